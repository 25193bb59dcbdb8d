"""Puts committed chunks into the bucket; any number of uploaders, none with a state."""
