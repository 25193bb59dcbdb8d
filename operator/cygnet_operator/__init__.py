"""The operator: Pipelines of a Kubernetes cluster, run, scaled, drained and explained."""
