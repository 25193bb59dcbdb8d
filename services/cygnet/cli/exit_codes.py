"""What the command line ends with, for scripts."""

EXIT_OK, EXIT_FAILED, EXIT_USAGE = 0, 1, 2
"""All is well; a check failed or something is in the way; the command was used wrongly."""
