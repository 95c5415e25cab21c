"""Makes `ouranos_runtime` importable: it is installed in images, not here."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "runtime" / "src"))
