"""Side-by-side measurements: a ratio against a named baseline in the same run, and CPU per frame."""
