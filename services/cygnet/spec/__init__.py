"""The Pipeline spec: one definition for the laptop, the cluster and the documentation."""
