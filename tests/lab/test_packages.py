"""Does `make` leave what a machine has from elsewhere, and remove nothing for what it installs?"""

import subprocess
from pathlib import Path

import pytest

from ouranos.lab import building

APT = """\
#!/bin/sh
echo "$@" >>"$(dirname "$0")/asked"
"""


@pytest.mark.parametrize("target", ["host", "kubernetes-packages"])
def test_what_is_there_is_not_replaced_and_nothing_removed(tmp_path: Path, target: str) -> None:
    for name in ("apt-get", "containerd"):
        (tmp_path / name).write_text(APT)
        (tmp_path / name).chmod(0o755)
    wanted = f"containerd {tmp_path} no-such-program:a-package"
    subprocess.run(
        ["make", target, f"HOST_PROGRAMS={wanted}", f"KUBERNETES_PROGRAMS={wanted}"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        cwd=building.SOURCES.parent,
        check=True,
    )
    update, install = (tmp_path / "asked").read_text().splitlines()
    assert update.endswith("update")
    assert "--no-remove" in install.split()
    assert install.partition("install ")[2].split()[-2:] == ["--no-install-recommends", "a-package"]
