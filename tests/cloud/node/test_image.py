"""What a container finds in its image's own folders."""

from pathlib import Path

import tests_node
from tests_node import Image, Images, running


class Layered(Images):
    """The small image with a layer of a service above it."""

    layer: Path

    async def ensure(self, reference: str) -> Image:
        below = await super().ensure(reference)
        return Image((*below.layers, self.layer), "sha256:layered")


async def test_layers_lie_over_each_other_and_run_keeps_its_folders(
    images: Images, tmp_path: Path
) -> None:
    layered = Layered(images.root)
    layered.layer = tmp_path / "a,b:c"
    (layered.layer / "run/small").mkdir(parents=True)
    (layered.layer / "etc").mkdir()
    (layered.layer / "etc/issue").write_text("layered\n")
    async with running(tests_node.node_config(tmp_path / "cloud"), layered) as engine:
        text = await engine.result(
            "layers",
            "cat /etc/issue; touch /run/mine; ls -A /run",
            securityContext={"runAsUser": 5001},
        )
    assert text.split() == ["layered", "mine", "small"], text
