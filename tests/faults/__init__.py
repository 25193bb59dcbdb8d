"""The fault suite: real services on real servers, killed, stopped, filled and poisoned."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # fixtures and the hostile corpus, as pytest finds them
