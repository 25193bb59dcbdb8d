"""JetStream, and the only place that knows it: streams, publishing, pulling, messages, values."""
