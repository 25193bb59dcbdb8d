"""The school's names of the recoils, and how many of each its gallery shows."""

SHORT = {"nuclear": "NR", "electronic": "ER"}
"""Nuclear ones first."""
OF_EACH = 5
