"""How are objects read? Get and list, with selectors, versions and pages; asked by the handler."""

import base64
import binascii
from collections import OrderedDict
from dataclasses import dataclass

import msgspec

from ouranos.engine.apiserver import failure, selectors
from ouranos.engine.apiserver.exchange import Query, Request, encode
from ouranos.engine.apiserver.records import Record
from ouranos.engine.apiserver.resources import Resource
from ouranos.engine.apiserver.selectors import Selection
from ouranos.engine.apiserver.store import Store
from ouranos.kit.objects import Key

_SNAPSHOTS = 16
_MATCHES = ("", "NotOlderThan", "Exact")


class _Token(msgspec.Struct):
    rv: int
    start: str
    v: str = "meta.k8s.io/v1"


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list: some records, where the rest is, and at which version it was true."""

    records: list[Record]
    version: int
    token: str = ""
    remaining: int | None = None


def selection(resource: Resource, namespace: str, query: Query) -> Selection:
    """Read the selectors of a query.

    Raises:
        failure.Failure: they cannot be read.
    """

    def one(name: str) -> str:
        return (query.get(name) or [""])[0]

    return Selection(
        namespace,
        selectors.labels(one("labelSelector")),
        selectors.fields(
            one("fieldSelector"), resource.fields, plain=not (resource.custom or resource.fields)
        ),
    )


def version_of(text: str) -> int:
    """Read a resourceVersion; empty is 0.

    Raises:
        failure.Failure: it is not one.
    """
    if not text:
        return 0
    if not text.isdecimal():
        raise failure.bad_request(f'Invalid value: "{text}": resourceVersion is not a number')
    return int(text)


class Reader:
    """Reads objects of one store."""

    def __init__(self, store: Store) -> None:
        """Read from a store."""
        self._store = store
        self._snapshots: OrderedDict[tuple[str, int], list[Record]] = OrderedDict()

    def get(self, resource: Resource, namespace: str, name: str) -> Record:
        """Give an object.

        Raises:
            failure.Failure: it is not there.
        """
        record = self._store.get(resource.storage, Key(namespace, name))
        if record is None:
            raise failure.not_found(resource.name, name)
        return record

    def page(self, resource: Resource, namespace: str, request: Request) -> Page:
        """Give the objects, or the page of them, that a list asks for.

        Raises:
            failure.Failure: a selector, a version or a token is not acceptable.
        """
        wanted = selection(resource, namespace, request.query)
        limit = request.number("limit") or 0
        token = request.text("continue")
        if token:
            if request.text("resourceVersion"):
                raise failure.bad_request(
                    "specifying resource version is not allowed when using continue"
                )
            records, version, start = self._resumed(resource, token)
        else:
            records, version = self._at(resource, request)
            start = ""
        return self._cut(resource, wanted, records, version, limit=limit, start=start)

    def _at(self, resource: Resource, request: Request) -> tuple[list[Record], int]:
        match = request.text("resourceVersionMatch")
        asked = version_of(request.text("resourceVersion"))
        if match not in _MATCHES:
            raise failure.bad_request(f'resourceVersionMatch: Unsupported value: "{match}"')
        if match and not request.text("resourceVersion"):
            raise failure.bad_request(
                "resourceVersionMatch is forbidden unless resourceVersion is provided"
            )
        current = self._store.version
        if asked > current:
            raise failure.too_large_version(asked, current)
        if match != "Exact" or asked == current:
            return self._store.sorted_records(resource.storage), current
        if asked == 0:
            raise failure.bad_request(
                'resourceVersionMatch "Exact" is forbidden for resourceVersion "0"'
            )
        present = dict(self._store.objects(resource.storage))
        if not self._store.history(resource.storage).rewind(present, asked):
            raise failure.expired(f"The provided resource version is too old: {asked}")
        return [present[key] for key in sorted(present)], asked

    def _resumed(self, resource: Resource, token: str) -> tuple[list[Record], int, str]:
        try:
            padded = token + "=" * (-len(token) % 4)
            held = msgspec.json.decode(base64.urlsafe_b64decode(padded), type=_Token)
        except (binascii.Error, ValueError, msgspec.DecodeError) as error:
            raise failure.bad_request(f"continue key is not valid: {error}") from None
        records = self._snapshots.get((resource.storage, held.rv))
        if records is None:
            raise failure.expired(
                "The provided continue parameter is too old to display a consistent list "
                "result. You can "
                "start a new list without the continue parameter."
            )
        return records, held.rv, held.start

    def _cut(  # one page is made of all of these
        self,
        resource: Resource,
        wanted: Selection,
        records: list[Record],
        version: int,
        *,
        limit: int,
        start: str,
    ) -> Page:
        chosen: list[Record] = []
        after = start.partition("/")[::2] if start else None
        index = 0
        for index, record in enumerate(records):  # noqa: B007  # where it stopped is needed
            if after is not None and record.key <= after:
                continue
            if limit and len(chosen) == limit:
                break
            if wanted.accepts(record):
                chosen.append(record)
        else:
            return Page(chosen, version)
        rest = [each for each in records[index:] if wanted.accepts(each)]
        if not rest:
            return Page(chosen, version)
        self._snapshots[resource.storage, version] = records
        if len(self._snapshots) > _SNAPSHOTS:
            self._snapshots.popitem(last=False)
        last = chosen[-1].key
        token = encode(_Token(version, f"{last.namespace}/{last.name}"))
        text = base64.urlsafe_b64encode(token).decode().rstrip("=")
        return Page(chosen, version, text, len(rest) if wanted.everything else None)


def list_metadata(page: Page) -> dict[str, object]:
    """Give the metadata of a list."""
    metadata: dict[str, object] = {"resourceVersion": str(page.version)}
    if page.token:
        metadata["continue"] = page.token
        if page.remaining is not None:
            metadata["remainingItemCount"] = page.remaining
    return metadata


def list_body(resource: Resource, page: Page) -> bytes:
    """Give the JSON of a list."""
    head = encode(
        {
            "kind": resource.collection_kind,
            "apiVersion": resource.kind.api_version,
            "metadata": list_metadata(page),
        }
    )
    items = b",".join([resource.item(record) for record in page.records])
    return head[:-1] + b',"items":[' + items + b"]}"
