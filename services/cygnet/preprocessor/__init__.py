"""Workers that fetch, decode and process frames; any number of them, none with a state."""
