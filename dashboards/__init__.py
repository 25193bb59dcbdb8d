"""The Grafana dashboards of Cygnet: said once as values, built as JSON for Grafana and drawn as pictures."""
