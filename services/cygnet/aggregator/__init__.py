"""Makes chunks of results and commits each of them exactly once."""
