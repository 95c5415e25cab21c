"""Makes `life`, `recorder`, and what other rooms' tests stand on, importable."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), *(str(HERE.parent / room) for room in ("fakes", "backing", "compute"))]
