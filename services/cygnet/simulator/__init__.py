"""Sources: what gives frames their identity and publishes them."""
