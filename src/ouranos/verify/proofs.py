"""The proofs, in the order in which a tenant would do these things; each says what it has shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ouranos.images import guest as guest_image
from ouranos.verify import guest, story

BOOT = 240.0  # seconds: a server under emulation on a loaded machine
ACTION = 120.0
_QCOW2 = b"QFI\xfb"  # docs/interop/qcow2.rst of QEMU


def image(run: story.Story, built: guest_image.GuestImage) -> None:
    """Upload the guest's kernel, ramdisk and empty disk."""
    with run.proof("image uploaded") as detail:
        parts: dict[str, Any] = {}
        for part, form, path in (
            ("kernel", "aki", built.kernel),
            ("ramdisk", "ari", built.ramdisk),
        ):
            parts[part] = _upload(run, path, f"guest-{part}", form, container_format=form)
            run.made[part] = parts[part].id
        disk = _upload(
            run,
            built.disk,
            "guest",
            "qcow2",
            kernel_id=parts["kernel"].id,
            ramdisk_id=parts["ramdisk"].id,
            os_command_line=built.command_line,
        )
        run.made["image"] = disk.id
        detail.append(f"{built.kernel.stat().st_size // 1024**2} MiB kernel")


def own_image(run: story.Story, path: str) -> None:
    """Upload a disk image that a person named."""
    with run.proof("image uploaded") as detail:
        form = disk_format(path)
        run.made["image"] = _upload(run, Path(path), "guest", form).id
        detail.extend((path, form))


def _upload(run: story.Story, path: Path, name: str, form: str, **more: str) -> Any:
    # The library would leave open a file that it opens itself.
    with path.open("rb") as file:
        return run.tenant.image.create_image(
            name=name,
            disk_format=form,
            data=file,
            wait=True,
            **{"container_format": "bare", **more},
        )


def disk_format(path: str) -> str:
    """Glance's name for what is in the file: QCOW2 says so in its first bytes, raw says nothing.

    Raises:
        ProofError: it cannot be read, or nothing is in it.
    """
    try:
        with Path(path).open("rb") as file:
            begins = file.read(len(_QCOW2))
    except OSError as error:
        raise story.ProofError(f"the image {path}: {error.strerror}") from error
    if not begins:
        raise story.ProofError(f"the image {path} is empty")
    return "qcow2" if begins == _QCOW2 else "raw"


def network(run: story.Story) -> None:
    """A network, a subnet, a router to the outside, a security group and a key pair."""
    client = run.tenant.network
    with run.proof("network, subnet, router"):
        outside = client.find_network(run.public_network, ignore_missing=False)
        net = client.create_network(name="verify")
        run.made["network"] = net.id
        subnet = client.create_subnet(
            network_id=net.id, ip_version=4, cidr="10.77.0.0/24", name="verify"
        )
        run.made["subnet"] = subnet.id
        router = client.create_router(
            name="verify", external_gateway_info={"network_id": outside.id}
        )
        run.made["router"] = router.id
        client.add_interface_to_router(router, subnet=subnet.id)
        run.made["outside"] = outside.id
    with run.proof("security group, key pair"):
        group = client.create_security_group(name="verify")
        run.made["security_group"] = group.id
        for protocol, port in (("icmp", None), ("tcp", 80)):
            client.create_security_group_rule(
                security_group_id=group.id,
                direction="ingress",
                ethertype="IPv4",
                protocol=protocol,
                port_range_min=port,
                port_range_max=port,
            )
        key = run.tenant.compute.create_keypair(name="verify")
        run.made["keypair"] = key.name


def volume_asked(run: story.Story) -> None:
    """Ask for a volume early; it becomes available while the guest boots."""
    run.made["volume"] = run.tenant.block_storage.create_volume(size=1, name="verify").id


def server(run: story.Story) -> None:
    """Boot from the image with user-data and a key."""
    client = run.tenant.compute
    with run.proof("server ACTIVE") as detail:
        flavor = client.find_flavor(run.flavor, ignore_missing=False)
        made = client.create_server(
            name="verify-guest",
            image_id=run.made["image"],
            flavor_id=flavor.id,
            networks=[{"uuid": run.made["network"]}],
            security_groups=[{"name": "verify"}],
            key_name=run.made["keypair"],
            user_data=guest.user_data(run.token),
        )
        run.made["server"] = made.id
        _status(run, "ACTIVE", BOOT)
        detail.append(f"flavor {run.flavor}")


def _status(run: story.Story, wanted: str, seconds: float) -> None:
    """Wait for the server's status; ERROR ends the waiting with Nova's own fault."""
    seen: dict[str, Any] = {}

    def look() -> bool:
        seen["server"] = run.tenant.compute.get_server(run.made["server"])
        return bool(seen["server"].status == wanted)

    def failed(found: object) -> str:
        del found
        fault: dict[str, Any] = seen["server"].fault or {}
        return (
            f"ERROR: {fault.get('message', 'no fault given')}"
            if seen["server"].status == "ERROR"
            else ""
        )

    story.until(look, what=f"server {wanted}", seconds=seconds, every=0.2, failed=failed)


def http(run: story.Story) -> None:
    """A floating IP on the server's port, and HTTP from this machine through it."""
    with run.proof("HTTP by floating IP, metadata, user-data") as detail:
        client = run.tenant.network
        port = next(iter(client.ports(device_id=run.made["server"])))
        floating = client.create_ip(floating_network_id=run.made["outside"], port_id=port.id)
        run.made["floating"] = floating.id
        run.made["address"] = floating.floating_ip_address
        page = guest.answers(floating.floating_ip_address, run.token, "verify-guest", BOOT)
        hostname = page.partition(" ")[2]
        if not hostname.startswith("verify-guest"):
            raise story.ProofError(
                f"metadata: the guest calls itself {hostname!r}, not verify-guest"
            )
        detail.extend((floating.floating_ip_address, f"hostname {hostname}"))


def console(run: story.Story) -> None:
    """The console log holds what the guest printed."""
    with run.proof("console log"):
        story.until(
            lambda: (
                run.token
                in run.tenant.compute.get_server_console_output(run.made["server"])["output"]
            ),
            what="our token in the console log",
            seconds=ACTION,
        )


def volume(run: story.Story) -> None:
    """Attach to the running guest, write, detach, attach again, read the same bytes."""
    compute, block = run.tenant.compute, run.tenant.block_storage
    identity, address = run.made["volume"], run.made["address"]

    def status(wanted: str) -> None:
        seen: list[str] = [""]

        def look() -> bool:
            seen[0] = block.get_volume(identity).status
            return seen[0] == wanted

        def failed(found: object) -> str:
            del found
            return seen[0] if seen[0].startswith("error") else ""

        story.until(look, what=f"volume {wanted}", seconds=ACTION, failed=failed)

    def attach() -> None:
        compute.create_volume_attachment(run.made["server"], identity)
        status("in-use")
        story.until(
            lambda: guest.volume(address, "look", identity) == "present",
            what="the volume inside the guest",
            seconds=ACTION,
        )

    with run.proof("volume created"):
        status("available")
    with run.proof("volume attached, bytes written"):
        attach()
        if (said := guest.volume(address, "write", identity, run.token)) != "written":
            raise story.ProofError(f"writing to the volume: the guest answered {said!r}")
    with run.proof("volume detached, attached again, bytes read back"):
        compute.delete_volume_attachment(run.made["server"], identity)
        status("available")
        # Cinder lets go of it first; Nova, when it has written that down too.
        story.until(
            lambda: not list(compute.volume_attachments(run.made["server"])),
            what="the server without the volume",
            seconds=ACTION,
        )
        attach()
        if (said := guest.volume(address, "read", identity)) != run.token:
            raise story.ProofError(f"reading the volume back: {said!r} instead of {run.token!r}")


def snapshot(run: story.Story) -> None:
    """An image of the server."""
    with run.proof("server snapshot"):
        made = run.tenant.compute.create_server_image(run.made["server"], "verify-snapshot")
        run.made["snapshot"] = made.id
        story.until(
            lambda: run.tenant.image.get_image(made.id).status == "active",
            what="the snapshot becoming active",
            seconds=ACTION,
        )
        story.until(
            lambda: run.tenant.compute.get_server(run.made["server"]).task_state is None,
            what="the server at rest after its snapshot",
            seconds=ACTION,
        )


def stop_and_start(run: story.Story) -> None:
    """The guest comes back with its address."""
    with run.proof("server stopped and started, HTTP again"):
        run.tenant.compute.stop_server(run.made["server"])
        _status(run, "SHUTOFF", ACTION)
        run.tenant.compute.start_server(run.made["server"])
        _status(run, "ACTIVE", ACTION)
        guest.answers(run.made["address"], run.token, "verify-guest", BOOT)
