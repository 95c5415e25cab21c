"""Makes `tests_operators` importable, and what stories of the room's fast tests tell with."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "backing")]
