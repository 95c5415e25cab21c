"""What a kube-apiserver 1.36 writes as protobuf is read as what it writes as JSON."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ouranos.engine.apiserver import server
from ouranos.engine.apiserver.protobuf import reader
from ouranos.kit import seams

GOLDEN = Path(__file__).parents[1] / "golden" / "apiserver" / "protobuf"


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_nulls(each) for name, each in value.items() if each is not None}
    return value


@pytest.mark.parametrize("file", sorted(GOLDEN.glob("*.pb")), ids=lambda file: file.stem)
def test_both_forms_hold_the_same(file: Path) -> None:
    expected = json.loads(file.with_suffix(".json").read_text())
    assert without_nulls(reader.read(file.read_bytes())) == without_nulls(expected)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "prefix"),
        (b"{}", "prefix"),
        (b"k8s\x00", "is read as JSON only"),
        (b"k8s\x00\x0a\x05ab", "has no end"),
        (b"k8s\x00\x80", "has no end"),
        (b"k8s\x00\x0b", "unknown wire type"),
        (b"k8s\x00\x08\x01", "text or a message is expected"),
    ],
)
def test_what_is_none_is_refused(body: bytes, words: str) -> None:
    with pytest.raises(reader.ProtobufError, match=words):
        reader.read(body)


@given(st.data())
def test_damage_is_refused_or_read_but_never_worse(data: st.DataObject) -> None:
    files = sorted(GOLDEN.glob("*.pb"))
    body = bytearray(data.draw(st.sampled_from(files)).read_bytes())
    place = data.draw(st.integers(4, len(body) - 1))
    body[place] = data.draw(st.integers(0, 255))
    try:
        assert isinstance(reader.read(bytes(body)), dict)
    except reader.ProtobufError:
        return


async def test_an_object_can_be_sent_so() -> None:
    api = await server.ApiServer.open(None, seams.real())
    body = (GOLDEN / "namespace.pb").read_bytes()
    headers = {"content-type": reader.MEDIA_TYPE}
    async with httpx2.AsyncClient(transport=api.transport(), base_url="http://api") as client:
        refused = await client.post("/api/v1/namespaces", content=body, headers=headers)
        assert refused.json()["message"] == (
            "resourceVersion should not be set on objects to be created"
        )
        refused = await client.post("/api/v1/namespaces", content=b"k8s\x00", headers=headers)
        assert refused.status_code == 400
    await api.close()
