"""What objects does this file describe? Asked by the command line, before anything is changed.

A file that is wrong is refused as a whole, with one mistake for each thing that is wrong: file,
line, column, the offending value and what to do.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, NoReturn, cast

from ouranos.api import checks, errors, kinds, names, schema, tree

Object = dict[str, Any]
Source = str | os.PathLike[str] | BinaryIO

MAXIMUM_BYTES: Final = 1_000_000
STANDARD_INPUT: Final = "-"

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_METADATA: Final = ("name", "namespace", "labels", "annotations")
_SERVERS_OWN: Final = frozenset(
    {"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"}
)
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Document:
    """An object and where its parts are in the file.

    Attributes:
        file: the file's name, for messages.
        object: the object as the person wrote it, with its namespace; defaults are not filled in.
        root: the tree that it was read from.
    """

    file: str
    object: Object
    root: tree.Node

    def locate(self, field_path: str) -> tuple[int, int]:
        """Line and column of a field, given as an API server names it in the causes of a refusal.

        A field that is not in the file is where the nearest thing around it is.
        """
        at = tree.position(self.root, parsed_path(field_path))
        return at.line, at.column

    def mistake(self, field_path: str, message: str, hint: str) -> errors.Mistake:
        """What an API server refused, with its place in the file."""
        line, column = self.locate(field_path)
        return errors.Mistake(
            self.file, line, column, ": ".join(part for part in (field_path, message) if part), hint
        )


def load(source: Source, *, known: kinds.Kinds, releases: Collection[str]) -> list[Object]:
    """Read and check a file of objects.

    Args:
        source: a path, `-` for standard input is the caller's to open, or an open binary file.
        known: the kinds that this Ouranos knows.
        releases: the OpenStack releases that this Ouranos knows.

    Raises:
        errors.InputError: the file cannot be used; printing the error says all.
    """
    return [one.object for one in documents(source, known=known, releases=releases)]


def documents(source: Source, *, known: kinds.Kinds, releases: Collection[str]) -> list[Document]:
    """Read and check a file of objects, and keep where their parts are.

    Raises:
        errors.InputError: the file cannot be used; printing the error says all.
    """
    file, roots = _roots(source)
    if not roots:
        _refuse(
            file, 1, 1, "the file describes nothing", "describe a cloud: see examples/solo.yaml"
        )
    mistakes = [mistake for root in roots for mistake in _mistakes(file, root, known, releases)]
    if not mistakes:
        found = _documents(file, roots)
        mistakes = [*_place(found), *_duplicates(found)]
        if not mistakes:
            return found
    raise errors.InputError(*sorted(mistakes, key=lambda mistake: (mistake.line, mistake.column)))


def unchecked(source: Source) -> list[Document]:
    """Read the objects of a file that was found right before.

    Raises:
        errors.InputError: the file is not YAML any more.
    """
    return _documents(*_roots(source))


def _documents(file: str, roots: list[tree.Node]) -> list[Document]:
    return [Document(file, _object(root), root) for root in roots if isinstance(root, tree.Mapping)]


def _roots(source: Source) -> tuple[str, list[tree.Node]]:
    file, content = _read(source)
    return file, list(tree.Reader(_decoded(file, content), file).documents())


def _refuse(file: str, line: int, column: int, message: str, hint: str) -> NoReturn:
    raise errors.InputError(errors.Mistake(file, line, column, message, hint))


def _read(source: Source) -> tuple[str, bytes]:
    if not isinstance(source, str | os.PathLike):
        name = getattr(source, "name", "")
        file = name if isinstance(name, str) and name else "standard input"
        return file, _bounded(file, source)
    path = os.fspath(source)
    file = path if path.isprintable() else ascii(path)
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116  # one look, of whatever it is
            _refuse(file, 0, 0, "this is not a file", "name a file of YAML, such as cloud.yaml")
        with open(path, "rb") as opened:  # noqa: PTH123  # as above
            return file, _bounded(file, opened)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        hint = "look at the path, and at who may read it"
        raise errors.InputError(
            errors.Mistake(file, 0, 0, f"cannot be read: {reason}", hint)
        ) from error


def _bounded(file: str, opened: BinaryIO) -> bytes:
    content = opened.read(MAXIMUM_BYTES + 1)
    if len(content) > MAXIMUM_BYTES:
        _refuse(
            file,
            0,
            0,
            f"the file is larger than {MAXIMUM_BYTES:,} bytes",
            "a cloud is described in a few lines; is this the right file?",
        )
    return content


def _decoded(file: str, content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", errors="replace")
        line, column = _place_of(before)
        _refuse(
            file,
            line,
            column,
            f"the byte 0x{content[error.start]:02x} is not UTF-8",
            "save the file as UTF-8",
        )
    control = _CONTROL.search(text)
    if control:
        line, column = _place_of(text[: control.start()])
        shown = f"U+{ord(control.group()):04X}"
        _refuse(file, line, column, f"there is a control character, {shown}", "remove it")
    return text


def _place_of(before: str) -> tuple[int, int]:
    lines = before.split("\n")
    return len(lines), len(lines[-1]) + 1


def _mistakes(
    file: str, root: tree.Node, known: kinds.Kinds, releases: Collection[str]
) -> Iterator[errors.Mistake]:
    if not isinstance(root, tree.Mapping):
        yield errors.Mistake(
            file,
            root.at.line,
            root.at.column,
            "an object is a mapping, and this is none",
            f"begin with apiVersion: {names.API_VERSION} and kind: Cloud",
        )
        return
    for problem in _problems(root, known, releases):
        at = tree.position(root, problem.path, of_key=problem.names_key)
        subject = ": ".join(part for part in (errors.dotted(problem.path), problem.value) if part)
        yield errors.Mistake(
            file, at.line, at.column, f"{subject}: {problem.message}", problem.hint
        )


def _problems(
    root: tree.Mapping, known: kinds.Kinds, releases: Collection[str]
) -> list[errors.Problem]:
    """What is wrong with one document; a question is asked once those before it are answered."""
    obj = _object(root)
    for missing in ("apiVersion", "kind", "metadata"):
        if missing not in obj:
            hint = "an object has apiVersion, kind, metadata and spec"
            return [errors.Problem((missing,), "", "is missing", hint)]
    kind = obj["kind"]
    definition = known.get(kind) if isinstance(kind, str) else None
    if definition is not None:
        empty = list(_empty(root, definition, ()))
        if empty:
            return empty
        wrong = list(_metadata_problems(obj["metadata"]))
        if wrong:
            return wrong
    found = checks.problems(obj, known, written=lambda path: tree.written(root, path))
    return list(found) or _release_problems(obj, releases)


def _object(root: tree.Node) -> Object:
    obj: Object = tree.plain(root)
    obj.pop("status", None)
    metadata = obj.get("metadata")
    if isinstance(metadata, dict):
        for key in _SERVERS_OWN:
            metadata.pop(key, None)  # pyright: ignore[reportUnknownMemberType]
    return obj


def _empty(
    node: tree.Node, definition: kinds.Definition, path: errors.Path
) -> Iterator[errors.Problem]:
    """Fields without a value: an API server would drop them, and the person meant something."""
    if isinstance(node, tree.Scalar) and node.value is None:
        field = schema.at(definition.schema, path) or {}
        takes_fields = field.get("type") == "object"
        hint = f"write {path[-1]}: {{}} for defaults" if takes_fields else "give it a value"
        yield errors.Problem(
            path, "", "has no value", f"{hint}, or remove the line", names_key=True
        )
    elif isinstance(node, tree.Sequence):
        for index, item in enumerate(node.items):
            yield from _empty(item, definition, (*path, index))
    elif isinstance(node, tree.Mapping):
        for key, member in node.entries.items():
            if not (path == () and key == "status") and key not in _SERVERS_OWN:
                yield from _empty(member, definition, (*path, key))


def _metadata_problems(metadata: Any) -> Iterator[errors.Problem]:
    if not isinstance(metadata, dict):
        yield errors.Problem(("metadata",), "", "must be a mapping", "write metadata: {name: home}")
        return
    members = cast("dict[str, Any]", metadata)
    for key, value in members.items():
        path = ("metadata", key)
        if key not in _METADATA:
            message = "is not a field of metadata that people write"
            yield errors.Problem(path, "", message, checks.choice(key, _METADATA), names_key=True)
        elif key in {"name", "namespace"} and not (
            isinstance(value, str) and _NAME.fullmatch(value)
        ):
            hint = "use a-z, 0-9 and '-', beginning and ending with a letter or a digit"
            yield errors.Problem(path, checks.show(value), "is not a name", hint)
        elif key in {"labels", "annotations"}:
            yield from _text_problems(path, value)
    if "name" not in members:
        yield errors.Problem(("metadata", "name"), "", "is missing", "add a name, such as home")


def _text_problems(path: errors.Path, value: Any) -> Iterator[errors.Problem]:
    if not isinstance(value, dict):
        yield errors.Problem(path, "", "must be a mapping", "write its entries in the lines below")
        return
    entries = cast("dict[str, Any]", value)
    for key, text in entries.items():
        if not isinstance(text, str):
            yield errors.Problem(
                (*path, key), checks.show(text), "must be text", "write it in quotes"
            )


def _release_problems(obj: Object, releases: Collection[str]) -> list[errors.Problem]:
    release = obj["spec"].get("release")
    if release is None or release in releases:
        return []
    hint = checks.choice(release, releases)
    message = "is not a release that this Ouranos knows"
    return [errors.Problem(("spec", "release"), checks.show(release), message, hint)]


def _place(found: list[Document]) -> Iterator[errors.Mistake]:
    """Give each object its namespace: a cloud's is its name, others go to the file's cloud."""
    clouds = [
        document.object["metadata"] for document in found if document.object["kind"] == "Cloud"
    ]
    of_file = clouds[0]["name"] if len(clouds) == 1 else None
    for document in found:
        metadata = document.object["metadata"]
        is_cloud = document.object["kind"] == "Cloud"
        home = metadata["name"] if is_cloud else of_file
        namespace = metadata.setdefault("namespace", home)
        if is_cloud and namespace != home:
            message = f'"{namespace}": a cloud lives in the namespace of its own name'
            yield document.mistake("metadata.namespace", message, "remove the line")
        elif namespace is None:
            hint = "add metadata.namespace, the name of the cloud that it belongs to"
            yield document.mistake("metadata.namespace", "is missing", hint)


def _duplicates(found: list[Document]) -> Iterator[errors.Mistake]:
    seen: dict[tuple[str, str, str], Document] = {}
    for document in found:
        metadata = document.object["metadata"]
        identity = document.object["kind"], metadata["namespace"], metadata["name"]
        first = seen.setdefault(identity, document)
        if first is not document:
            kind, _, name = identity
            line, _ = first.locate("metadata.name")
            message = f'"{name}": there are two of {kind} {name}, the first in line {line}'
            yield document.mistake("metadata.name", message, "remove one, or give it another name")


def parsed_path(field_path: str) -> errors.Path:
    """The parts of a path as an API server writes it: `spec.items[0]`, `spec.config[a.b].c`."""
    parts = re.findall(r"\[([^\]]*)\]|([^.\[\]]+)", field_path)
    return tuple(
        int(index) if index.isdigit() else (index or name).strip('"') for index, name in parts
    )
