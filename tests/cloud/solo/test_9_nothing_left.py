"""`down --destroy` leaves no process, mount, namespace, link, route, rule, cgroup or file."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests_cloud import Cloud, processes

from ouranos.solo import machine, paths


def test_destroy_leaves_nothing(cloud: Cloud) -> None:
    place = paths.Paths(cloud.folder.parent.parent, cloud.name)
    bridge = machine.bridge_name(place)
    if not cloud.folder.exists():
        cloud.run("up", str(cloud.file), "--no-wait")
    cloud.destroy()
    assert not cloud.folder.exists()
    assert [line for line in processes().values() if str(cloud.folder) in line] == []
    assert str(cloud.folder) not in Path("/proc/self/mountinfo").read_text()
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
    assert bridge not in links
    routes = subprocess.run(["ip", "route"], capture_output=True, text=True, check=True).stdout
    assert "172.24.9." not in routes
    left = [path for path in Path("/sys/fs/cgroup").rglob(f"*{bridge}*") if path.is_dir()]
    assert left == []
    for entry in Path("/proc").glob("[0-9]*/cgroup"):
        try:
            groups = entry.read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        # A zombie that init has not reaped yet still names the group that was removed.
        assert not [each for each in groups if bridge in each and not each.endswith("(deleted)")]
