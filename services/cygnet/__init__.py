"""Cygnet: image detectors as data pipelines, every frame stored once and only once."""

__version__ = "0.1.0"
