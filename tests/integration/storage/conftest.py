"""Servers that the storage tests share."""

from fixtures.s3_server import moto, rclone

__all__ = ["moto", "rclone"]
