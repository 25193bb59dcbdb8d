"""A pipeline on one machine: the servers it needs, its services as processes, scaled as on a cluster."""
