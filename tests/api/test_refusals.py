"""Is what the API refuses told with its place in the file?"""

from pathlib import Path

import httpx2
import pytest

from ouranos import services
from ouranos.api import load, refusals
from ouranos.engine.apiserver import server
from ouranos.kit import cluster, errors, seams

pytestmark = pytest.mark.virtual_time

TEXT = """\
apiVersion: ouranos.cloud/v1alpha1
kind: Cloud
metadata:
  name: home
spec:
  release: "2026.2"
  region: here
  services:
    keystone: {}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cloud.yaml"
    path.write_text(TEXT)
    return path


async def refused(given: seams.Seams, path: Path, *texts: str) -> errors.Invalid:
    """Apply texts one after the other; the last one is refused."""
    running = await server.ApiServer.open(None, given)
    try:
        async with httpx2.AsyncClient(transport=running.transport(), base_url="http://api") as http:
            source = cluster.Cluster(http, manager="ouranos")
            for crd in services.definitions():
                await source.apply(crd)
            namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "home"}}
            await source.apply(namespace)
            with pytest.raises(errors.Invalid) as caught:  # noqa: PT012 - the last one only
                for text in texts:
                    path.write_text(text)  # noqa: ASYNC240 - a small file
                    for document in load.unchecked(path):
                        metadata = {**document.object["metadata"], "namespace": "home"}
                        await source.apply({**document.object, "metadata": metadata})
            return caught.value
    finally:
        await running.close()


async def test_an_immutable_field_is_told_where_it_stands(given: seams.Seams, file: Path) -> None:
    error = await refused(given, file, TEXT, TEXT.replace("here", "there"))
    told = refusals.refusal(file, error.details)
    assert told is not None
    (mistake,) = told.mistakes
    assert (mistake.file, mistake.line, mistake.column) == (str(file), 7, 11)
    assert mistake.message.startswith('spec.region: Invalid value: "there": is immutable')
    assert mistake.hint == "put back the old region, or make a new cloud"


async def test_every_refused_field_is_told(given: seams.Seams, file: Path) -> None:
    wrong = TEXT.replace("here", '"a\\nb"').replace("keystone", "nova")
    error = await refused(given, file, wrong)
    told = refusals.refusal(file, error.details)
    assert told is not None
    assert {mistake.line for mistake in told.mistakes} == {7, 9}


def test_another_object_is_not_blamed(file: Path) -> None:
    status = {"message": "no", "details": {"name": "away", "kind": "Cloud"}}
    assert refusals.refusal(file, status) is None


def test_a_refusal_without_causes_is_told_at_the_object(file: Path) -> None:
    status = {"message": "no", "details": {"name": "home", "kind": "clouds"}}
    told = refusals.refusal(file, status)
    assert told is not None
    assert str(told) == f"{file}:1:1: no\n  hint: look at what `kubectl explain` says of this field"


async def test_what_follows_from_another_mistake_is_not_told(
    given: seams.Seams, file: Path
) -> None:
    error = await refused(given, file, TEXT.replace("here", "h" * 256))
    assert refusals.NOWHERE in str(error.details)
    told = refusals.refusal(file, error.details)
    assert told is not None
    (mistake,) = told.mistakes
    assert "region" in str(mistake)
