"""Does nova-compute end when it can do nothing any more?"""

import subprocess
import sys
from pathlib import Path

import pytest

from ouranos.compute import texts

_STUCK = "import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()\n"


@pytest.mark.parametrize(
    ("last", "code", "told"),
    [
        ("raise TimeoutError('no answer')", 1, "TimeoutError: no answer"),
        ("raise SystemExit(3)", 3, ""),
        ("raise SystemExit('wrong option')", 1, ""),
        ("pass", 0, ""),
    ],
)
def test_it_ends_with_its_main_thread_whatever_others_do(
    tmp_path: Path, last: str, code: int, told: str
) -> None:
    package = tmp_path / "nova" / "cmd"
    package.mkdir(parents=True)
    indented = "".join(f"    {line}\n" for line in (*_STUCK.splitlines(), last))
    (package / "compute.py").write_text(f"def main():\n{indented}")
    program = tmp_path / "nova-compute"
    program.write_text(texts.of("nova")["nova-compute"])
    done = subprocess.run(
        [sys.executable, program],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == code
    assert told in done.stderr
