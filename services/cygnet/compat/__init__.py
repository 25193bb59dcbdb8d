"""What other people's programs call, on our implementation."""
