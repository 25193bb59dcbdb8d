"""What every service shares: settings, logging, metrics, health, outages, signals, lifecycle."""
