"""A real S3 for the functions that upload."""

from fixtures.s3_server import rclone

__all__ = ["rclone"]
