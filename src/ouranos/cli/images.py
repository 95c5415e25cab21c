"""`ouranos images`: build, push, load, save."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ouranos.cli import errors

if TYPE_CHECKING:
    from ouranos.images import oci, registry

F = TypeVar("F", bound=Callable[..., Any])

_AGAIN = "interrupted; what was made is kept, and the same command goes on"


@click.group
def command() -> None:
    """Make OCI images of what solo runs from, and bring them to a cluster."""


def _choice(function: F) -> F:
    """`--release`, `--only` and the folder, for all four."""
    release = click.option("--release", help="Of OpenStack; the newest known, if left out.")
    only = click.option(
        "--only", "only", multiple=True, metavar="IMAGE", help="This image; may be repeated."
    )
    folder = click.option(
        "--layout",
        type=click.Path(path_type=Path, file_okay=False),
        help="The OCI layout with the images; images/oci below OURANOS_ROOT, if left out.",
    )
    return release(only(folder(function)))


@command.command(short_help="Make images from packages")
@_choice
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json", "name"]),
    default="table",
    show_default=True,
)
def build(release: str | None, only: tuple[str, ...], layout: Path | None, output: str) -> None:
    """Make images; the same packages make the same digests on every machine.

    What is there is not made again: layers are kept, and packed ones too.
    """
    from ouranos import releases  # noqa: PLC0415 - heavy, and not needed for --help
    from ouranos.images import assembly, processes  # noqa: PLC0415
    from ouranos.solo import paths  # noqa: PLC0415

    if os.geteuid() != 0:
        raise errors.Refused("files in images have owners", "run it with sudo or as root")
    with _explained("ouranos doctor says whether registries answer; then try again"):
        order = assembly.Order(
            root=paths.root_from_environment() / "images",
            release=releases.find(release or releases.names()[-1]),
            names=_names(only),
            output=layout or _default(),
        )
        patience = processes.Patience.of_environment()
        made = errors.run(assembly.build(order, patience, _say), interrupted=_AGAIN)
        _tell(made, order.output, output)


@command.command(short_help="Put images into a registry")
@click.argument("registry", metavar="REGISTRY")
@_choice
@click.option(
    "--authfile",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Credentials, as `skopeo login` writes them; your own, if left out.",
)
@click.option(
    "--tls-verify/--no-tls-verify",
    default=True,
    show_default=True,
    help="Ask the registry for a certificate that is trusted here.",
)
def push(
    registry: str,
    release: str | None,
    only: tuple[str, ...],
    layout: Path | None,
    authfile: Path | None,
    tls_verify: bool,  # noqa: FBT001 - a flag of click
) -> None:
    """Put images into REGISTRY (HOST[:PORT][/PATH]); print each with its digest.

    What the registry has is not sent again.
    """
    from ouranos.images import registry as registries  # noqa: PLC0415 - not needed for --help

    again = "try again: what the registry has is not sent again"
    with _explained(again), _chosen(release, only, layout) as (place, images):
        target = registries.Registry(registry, place, authfile, tls_verify)
        _program("skopeo", "skopeo", None)
        errors.run(_push(target, images), interrupted=_AGAIN)


async def _push(target: registry.Registry, images: list[oci.Image]) -> None:
    from ouranos.images import processes, registry  # noqa: PLC0415 - not needed for --help

    patience = processes.Patience.of_environment()
    for image in images:
        try:
            sent = await target.push(image, patience)
        except registry.Refused as refused:
            raise errors.Refused(str(refused), _hint(refused, target)) from refused
        _say(f"{target.name(image.reference)}: {'done' if sent else 'skipped, it is there'}")
        click.echo(f"{target.name(image.reference)}@{image.digest}")


def _hint(refused: registry.Refused, target: registry.Registry) -> str:
    host = target.address.partition("/")[0]
    return {
        "speaks plain HTTP": "if nobody else can reach it: --no-tls-verify",
        "has a certificate that nobody here trusts": "put its authority below /etc/docker/certs.d/"
        f"{host}/ca.crt, or try it without: --no-tls-verify",
        "refuses these credentials": f"log in: skopeo login --authfile FILE {host}; then --authfile"
        " FILE",
        "has no space left": "make room there, then try again: what it has is not sent again",
    }.get(refused.trouble, f"is {host} its address? skopeo list-tags asks it without Ouranos")


@command.command(short_help="Put images into the containerd of this node")
@_choice
@click.option(
    "--address",
    type=click.Path(path_type=Path),
    default="/run/containerd/containerd.sock",
    show_default=True,
    help="The socket of containerd.",
)
def load(release: str | None, only: tuple[str, ...], layout: Path | None, address: Path) -> None:
    """Put images into the containerd of this node, for its kubelet; no registry is needed."""
    from ouranos.images import containerd  # noqa: PLC0415 - not needed for --help

    if not address.is_socket():
        raise errors.Refused(
            f"{address}: there is no containerd", "start it, or name its socket: --address SOCKET"
        )
    _program("ctr", "containerd", "/usr/sbin:/usr/bin:/sbin:/bin")
    hint = f"does containerd run? ctr --address {address} version"
    with _explained(hint), _chosen(release, only, layout) as (place, images):
        errors.run(_load(containerd.Containerd(address), place, images), interrupted=_AGAIN)


async def _load(target: Any, layout: oci.Layout, images: list[oci.Image]) -> None:
    from ouranos.images import processes  # noqa: PLC0415 - not needed for --help

    patience = processes.Patience()
    there = await target.images(patience)
    missing = [image for image in images if there.get(image.reference) != image.digest]
    if missing:
        await target.load(layout, missing, patience)
    for image in images:
        _say(f"{image.reference}: {'done' if image in missing else 'skipped, it is there'}")
        click.echo(f"{image.reference}@{image.digest}")


@command.command(short_help="Write images into one file")
@click.argument("archive", type=click.Path(path_type=Path, dir_okay=False))
@_choice
def save(archive: Path, release: str | None, only: tuple[str, ...], layout: Path | None) -> None:
    """Write images into one file, ARCHIVE, for nodes that reach no registry.

    `ctr -n k8s.io images import ARCHIVE` takes it there.
    """
    if not archive.absolute().parent.is_dir():
        raise errors.Refused(
            f"{archive.parent}: there is no such folder", "make it, or name another"
        )
    with _explained("try again"), _chosen(release, only, layout) as (place, images):
        new = archive.with_name(f"{archive.name}.new")
        try:
            with new.open("wb") as file:
                place.archive({image.reference: image.reference for image in images}, file)
            new.replace(archive)
        finally:
            new.unlink(missing_ok=True)
    for image in images:
        click.echo(f"{image.reference}@{image.digest}")


def _say(text: str) -> None:
    click.echo(text, err=True)


def _default() -> Path:
    from ouranos.solo import paths  # noqa: PLC0415 - not needed for --help

    return paths.root_from_environment() / "images" / "oci"


def _names(only: tuple[str, ...]) -> tuple[str, ...]:
    """Return the images that are meant.

    Raises:
        Refused: there is none of that name.
    """
    from ouranos.images import assembly  # noqa: PLC0415 - not needed for --help

    for name in only:
        if name not in assembly.WANTED:
            raise errors.Refused(
                f"there is no image {name!r}", f"there are: {', '.join(assembly.WANTED)}"
            )
    return tuple(dict.fromkeys(only)) or assembly.WANTED


@contextlib.contextmanager
def _chosen(
    release: str | None, only: tuple[str, ...], folder: Path | None
) -> Generator[tuple[oci.Layout, list[oci.Image]]]:
    """Lend the images that are meant, and where they are; they stay while they are used.

    Raises:
        Refused: one was not built.
    """
    from ouranos import releases  # noqa: PLC0415 - not needed for --help
    from ouranos.images import catalog, oci  # noqa: PLC0415

    name = releases.find(release or releases.names()[-1]).name
    layout = oci.Layout(folder or _default())
    with layout.kept() if layout.root.is_dir() else contextlib.nullcontext():
        built = layout.images()
        references = [catalog.reference(each, name) for each in _names(only)]
        missing = [reference for reference in references if reference not in built]
        if missing:
            words = "".join(f" --only {each}" for each in only)
            where = f" --layout {folder}" if folder else ""
            raise errors.Refused(
                f"{layout.root} has no {', '.join(missing)}",
                f"build first: ouranos images build --release {name}{words}{where}",
            )
        yield layout, [built[reference] for reference in references]


def _program(name: str, package: str, path: str | None) -> None:
    """Refuse to begin without a program in these folders, or in the user's.

    Raises:
        Refused: it is not installed.
    """
    if shutil.which(name, path=path) is None:
        raise errors.Refused(
            f"{name} is not installed", f"apt-get install --yes --no-install-recommends {package}"
        )


@contextlib.contextmanager
def _explained(hint: str) -> Generator[None]:
    """Say what a person can do about what goes wrong with images."""
    from ouranos.images import processes  # noqa: PLC0415 - not needed for --help
    from ouranos.kit import errors as kit_errors  # noqa: PLC0415

    try:
        yield
    except processes.DiskFull as error:
        raise errors.Refused(
            str(error), "make room there, or set OURANOS_ROOT to a folder on another disk"
        ) from error
    except kit_errors.Terminal as error:
        raise errors.Refused(str(error), "ouranos images build -h") from error
    except kit_errors.OuranosError as error:
        raise errors.Refused(str(error), hint) from error


def _tell(images: Any, folder: Path, output: str) -> None:
    from ouranos.images import oci  # noqa: PLC0415 - not needed for --help

    layout = oci.Layout(folder)
    rows = [
        {"reference": image.reference, "digest": image.digest, "bytes": layout.size(image)}
        for image in images
    ]
    if output == "json":
        click.echo(json.dumps(rows))
        return
    for row in rows:
        megabytes = f"{int(row['bytes']) / 1e6:.0f} MB"
        full = f"{row['reference']:34} {row['digest']}  {megabytes:>6}"
        click.echo(row["reference"] if output == "name" else full)
