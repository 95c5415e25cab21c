"""Does it say what was in the way, when images do not get into containerd?"""

import asyncio
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from ouranos.images import catalog, containerd, oci, processes
from ouranos.images.packing import Packed
from ouranos.images.processes import Patience

OVN = catalog.reference("ovn", "2026.2")


@pytest.fixture
def layout(tmp_path: Path) -> oci.Layout:
    """A layout with one image, of one layer."""
    content = b"a layer"
    (tmp_path / "layer").write_bytes(content)
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    layer = Packed(tmp_path / "layer", digest, len(content), digest)
    made = oci.Layout(tmp_path / "layout")
    config = oci.configuration(catalog.ALL["ovn"], {"base": layer}, {})
    made.publish([made.add(OVN, config, [layer])])
    return made


async def test_a_blob_that_is_gone_is_named_and_not_what_follows_from_it(
    layout: oci.Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(_: Any, job: processes.Job, *, stdin: int) -> bytes:
        with os.fdopen(stdin, "rb") as pipe:
            await asyncio.to_thread(pipe.read)
        raise processes.Failed(f"{job.what}: ended with 1: ctr: unexpected EOF")

    monkeypatch.setattr(processes, "run", run)
    (image,) = layout.images().values()
    gone = layout.blob(layout.layers(image)[0])
    gone.unlink()
    with pytest.raises(processes.Failed, match=f"reading images from {layout.root}: .*{gone.name}"):
        await containerd.Containerd().load(layout, [image], Patience())
