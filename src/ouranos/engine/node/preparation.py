"""What does a container need before it can start?

Its volumes made, its files written, its plan drawn up.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ouranos.engine.node import (
    containers,
    context,
    environment,
    events,
    facts,
    hosts,
    identity,
    images,
    lifecycle,
    linux,
    lookups,
    payloads,
    records,
    rootfs,
    security,
    shares,
    spec,
    volumes,
    worlds,
    writer,
)
from ouranos.kit import kinds, objects

_SANDBOX = "sandbox"


def group_of(pod: objects.Object) -> int | None:
    """Return the group that owns a pod's volumes."""
    return objects.mapping(pod, "spec", "securityContext").get("fsGroup")


def payloads_of(
    shared: context.Context, pod: objects.Object, *, partly: bool = False
) -> dict[str, payloads.Payload]:
    """Return the content of the pod's volumes that are made of API objects.

    Args:
        shared: what the node knows.
        pod: whose.
        partly: leave out the volumes that need something that does not exist.

    Raises:
        Missing: one of them does not exist.
    """
    found: dict[str, payloads.Payload] = {}
    around, objects_of = shared.surroundings, shared.lookups(pod)
    for volume in objects.entries(pod, "spec", "volumes"):
        if payloads.is_payload(volume):
            try:
                found[volume["name"]] = payloads.build(volume, pod, around, objects_of)
            except lookups.Missing as error:
                if partly:
                    continue
                what = f'MountVolume.SetUp failed for volume "{volume["name"]}" : {error}'
                raise lookups.Missing(what, volume=True) from error
    return found


async def sources(shared: context.Context, pod: objects.Object) -> dict[str, volumes.Source]:
    """Make all volumes of a pod, and say where they are.

    Raises:
        Missing: an object that a volume needs does not exist.
        VolumeError: a volume cannot be made.
    """
    contents = payloads_of(shared, pod)
    claims = {
        volume["name"]: _claimed(shared, pod, volume["persistentVolumeClaim"])
        for volume in objects.entries(pod, "spec", "volumes")
        if "persistentVolumeClaim" in volume
    }
    return await shared.held.space.run(_make, shared, pod, contents, claims)


def _claimed(shared: context.Context, pod: objects.Object, told: objects.Object) -> str:
    """Return the node's path of a claimed volume."""
    namespace, name = pod["metadata"].get("namespace") or "", told["claimName"]
    claim = shared.known.get(kinds.PERSISTENT_VOLUME_CLAIM, name, namespace)
    if claim is None:
        raise lookups.Missing(f'persistentvolumeclaim "{name}" not found', volume=True)
    bound = claim["spec"].get("volumeName")
    volume = shared.known.get(kinds.PERSISTENT_VOLUME, bound) if bound else None
    if volume is None:
        raise lookups.Missing(f'persistentvolumeclaim "{name}" is not bound', volume=True)
    for sort in ("hostPath", "local"):
        if sort in volume["spec"]:
            return volume["spec"][sort]["path"]
    raise volumes.VolumeError(f'persistentvolume "{bound}" is of a kind that this node has not got')


def _make(
    shared: context.Context,
    pod: objects.Object,
    contents: Mapping[str, payloads.Payload],
    claims: Mapping[str, str],
) -> dict[str, volumes.Source]:
    folder = volumes.Folder.of(shared.layout, objects.uid_of(pod))
    folder.path.mkdir(parents=True, exist_ok=True)
    group = group_of(pod)
    found: dict[str, volumes.Source] = {}
    for volume in objects.entries(pod, "spec", "volumes"):
        name: str = volume["name"]
        if name in contents:
            found[name] = _payload(folder.volume(name), volume, contents[name], group)
        elif "emptyDir" in volume:
            found[name] = volumes.empty(folder.volume(name), volume["emptyDir"] or {}, group)
        elif "hostPath" in volume:
            groups = shared.held.groups
            found[name] = volumes.host_path(volume["hostPath"], shared.layout, groups)
        elif "nfs" in volume:
            found[name] = shares.mount(folder.volume(name), volume["nfs"])
        elif name in claims:
            read_only = bool(volume["persistentVolumeClaim"].get("readOnly"))
            found[name] = _claim(shared.layout.root, claims[name], group, read_only=read_only)
        else:
            sort = ", ".join(sorted(set(volume) - {"name"}))
            raise volumes.VolumeError(f'volume "{name}": this node has no volumes of kind {sort}')
    return found


def _claim(root: Path, path: str, group: int | None, *, read_only: bool) -> volumes.Source:
    volumes.make_folder(root, path)
    descriptor = linux.open_in_root(root, path)
    try:
        volumes.own(Path(linux.named(descriptor)).readlink(), group)
    finally:
        os.close(descriptor)
    place = rootfs.Binding(root, path)
    return volumes.Source(places=(("", place),), creates=True, read_only=read_only)


def _payload(
    folder: Path, volume: objects.Object, content: payloads.Payload, group: int | None
) -> volumes.Source:
    if payloads.is_secret(volume):
        volumes.memory(folder, None, None, 0o755)
    else:
        folder.mkdir(mode=0o755, exist_ok=True)
    writer.write(folder, content, group)
    return volumes.Source(places=(("", rootfs.Binding(folder)),), read_only=True)


async def refresh(shared: context.Context, pod: objects.Object) -> bool:
    """Bring the content of a running pod's volumes up to date; True when something changed.

    A volume whose object is gone keeps what it has.
    """
    contents = payloads_of(shared, pod, partly=True)
    return await shared.held.space.run(_refresh, shared, pod, contents)


def _refresh(
    shared: context.Context, pod: objects.Object, contents: Mapping[str, payloads.Payload]
) -> bool:
    folder = volumes.Folder.of(shared.layout, objects.uid_of(pod))
    changed = False
    for volume in objects.entries(pod, "spec", "volumes"):
        place = folder.volume(volume["name"])
        if volume["name"] in contents and place.is_dir():
            if payloads.is_secret(volume) and not volumes.is_mounted(place):
                continue
            changed |= writer.write(place, contents[volume["name"]], group_of(pod))
    return changed


def write_hosts(shared: context.Context, pod: objects.Object) -> bool:
    """Write a pod's /etc/hosts anew, if what it says has changed."""
    folder = shared.layout.pod(objects.uid_of(pod))
    content = hosts.text(
        pod,
        hosts.host_name(pod, shared.told.name),
        str(shared.told.address),
        shared.known.list(kinds.SERVICE),
        shared.known.list(kinds.ENDPOINT_SLICE),
    )
    return folder.is_dir() and hosts.write(folder / "hosts", content)


def terminal(shared: context.Context, uid: str, identifier: str) -> Path:
    """Return the file that a container may write its last words to."""
    return shared.layout.pod(uid) / "messages" / identifier


def _files(
    shared: context.Context, pod: objects.Object, wanted: objects.Object, identifier: str
) -> list[tuple[str, rootfs.Binding, bool]]:
    uid = objects.uid_of(pod)
    folder = shared.layout.pod(uid)
    write_hosts(shared, pod)
    hosts.write(folder / "resolv.conf", hosts.resolver(pod))
    hosts.write(folder / "hostname", hosts.host_name(pod, shared.told.name) + "\n")
    message = terminal(shared, uid, identifier)
    message.parent.mkdir(exist_ok=True)
    message.touch()
    message.chmod(0o666)
    path = wanted.get("terminationMessagePath") or "/dev/termination-log"
    return [
        ("/etc/hosts", rootfs.Binding(folder, "hosts"), True),
        ("/etc/resolv.conf", rootfs.Binding(folder, "resolv.conf"), True),
        ("/etc/hostname", rootfs.Binding(folder, "hostname"), True),
        (path, rootfs.Binding(message.parent, message.name), False),
    ]


def namespaces(
    pod: objects.Object, place: worlds.World, sandbox: records.Record | None, ipc: str
) -> dict[str, str]:
    """Return which namespaces a pod's container joins, and which it gets for itself."""
    told = pod["spec"]
    pid = ""
    if told.get("hostPID"):
        pid = place.namespace("pid")
    elif sandbox is not None and sandbox.init is not None:
        pid = f"/proc/{sandbox.init.pid}/ns/pid"
    return {
        "network": place.namespace("net"),
        "uts": place.namespace("uts") if told.get("hostNetwork") else "",
        "ipc": place.namespace("ipc") if told.get("hostIPC") else ipc,
        "pid": pid,
    }


def shared_ipc(folder: Path) -> str:
    """Return a pod's own IPC namespace, kept by a mount, so that its containers can share it."""
    target = folder / "ipc"
    if not target.exists():
        target.touch()
    if target.stat().st_dev == folder.stat().st_dev:
        ours = os.open("/proc/thread-self/ns/ipc", os.O_RDONLY | os.O_CLOEXEC)
        try:
            linux.unshare(linux.NEW_IPC)
            linux.mount("/proc/thread-self/ns/ipc", target, flags=linux.BIND)
        finally:
            linux.enter(ours, linux.NEW_IPC)
            os.close(ours)
    return str(target)


async def plan(
    shared: context.Context,
    pod: objects.Object,
    wanted: objects.Object,
    start: lifecycle.Start,
    image: images.Realised,
    sandbox: records.Record | None,
) -> containers.Plan:
    """Draw up how a container is to be run.

    Raises:
        Missing: something that the container refers to does not exist.
        Refused: the pod's own rules forbid it.
        Unusable: it names no program.
    """
    places = await sources(shared, pod)
    return await shared.held.space.run(_plan, shared, pod, wanted, start, image, sandbox, places)


def _plan(  # noqa: PLR0913, PLR0917 - everything that a container is made from
    shared: context.Context,
    pod: objects.Object,
    wanted: objects.Object,
    start: lifecycle.Start,
    image: images.Realised,
    sandbox: records.Record | None,
    places: Mapping[str, volumes.Source],
) -> containers.Plan:
    record = _record(shared, pod, wanted, start, image, sandbox)
    bundle = shared.layout.container(record.id)
    rights = security.rights(pod, wanted, shared.accounts_of(image), shared.bounding)
    known = environment.build(pod, wanted, image.env, shared.surroundings, shared.lookups(pod))
    asked = [_expanded(one, known) for one in objects.entries(wanted, "volumeMounts")]
    seen = volumes.mounted(bundle, asked, places, _files(shared, pod, wanted, record.id))
    several = len(lifecycle.every(pod)) > 1
    ipc = shared_ipc(shared.layout.pod(record.uid)) if several else ""
    score = spec.oom_score(pod, wanted, shared.machine.memory)
    built = spec.container(
        pod,
        wanted,
        spec.Facts(
            root=str(rootfs.root(bundle)),
            host_name=hosts.host_name(pod, shared.told.name),
            cgroup=shared.held.groups.path(record.cgroup),
            namespaces=namespaces(pod, shared.place, sandbox, ipc),
            rights=rights,
            environment=known,
            mounts=seen.mounts,
            devices=seen.devices + (volumes.of_privileged() if rights.privileged else ()),
            open_files=facts.open_files(),
            oom_score=max(score, facts.oom_floor()),
        ),
    )
    if rights.lacking:
        names = ", ".join(rights.lacking)
        text = (
            f"container {wanted['name']} runs without {names}: this machine's root has not got it"
        )
        shared.recorder.tell(pod, events.WARNING, "CapabilityUnavailable", text)
    return containers.Plan(
        record, built, tuple(image.layers), seen.bindings, writable=not rights.read_only
    )


def _expanded(mount: objects.Object, known: Mapping[str, str]) -> objects.Object:
    if "subPathExpr" not in mount:
        return mount
    return {**mount, "subPath": environment.expand(mount["subPathExpr"], known)}


def _record(
    shared: context.Context,
    pod: objects.Object,
    wanted: objects.Object,
    start: lifecycle.Start,
    image: images.Realised,
    sandbox: records.Record | None,
) -> records.Record:
    metadata = pod["metadata"]
    identifier, uid, name = records.new_id(), objects.uid_of(pod), wanted["name"]
    namespace: str = metadata.get("namespace") or ""
    folder = shared.layout.log_folder(namespace, metadata["name"], uid) / name
    is_init = wanted in lifecycle.inits(pod)
    return records.Record(
        id=identifier,
        boot=identity.boot(),
        role=records.Role.INIT if is_init else records.Role.MAIN,
        world=(sandbox or shared.place.record).id,
        namespace=namespace,
        pod=metadata["name"],
        uid=uid,
        container=name,
        attempt=start.attempt,
        image=wanted.get("image", ""),
        digest=image.digest,
        backoff=start.backoff,
        created=records.now(),
        cgroup=f"pods/{uid}/{identifier}",
        log=str(folder / f"{start.attempt}.log"),
        shares_processes=bool(pod["spec"].get("hostPID")) or sandbox is not None,
    )


async def make_sandbox(
    shared: context.Context, pod: objects.Object, image: images.Realised
) -> records.Record:
    """Start the container that holds a pod's shared PID namespace."""
    start = lifecycle.Start(_SANDBOX, 0, 0.0)
    record = _record(shared, pod, {"name": _SANDBOX}, start, image, None)
    record = record.but(role=records.Role.SANDBOX)
    spaces = namespaces(pod, shared.place, None, "")
    name = hosts.host_name(pod, shared.told.name)
    built = worlds.pause(shared.held, record, name, spaces)
    return await shared.held.run(containers.Plan(record, built, tuple(image.layers)))


def remove(shared: context.Context, pod: objects.Object) -> None:
    """Leave nothing of a pod whose containers are gone; its log goes with it."""
    uid = objects.uid_of(pod)
    folder = shared.layout.pod(uid)
    volumes.Folder.of(shared.layout, uid).remove()
    if (folder / "ipc").exists():
        linux.unmount(folder / "ipc")
    for name in ("hosts", "resolv.conf", "hostname", "ipc"):
        (folder / name).unlink(missing_ok=True)
    metadata = pod["metadata"]
    logs = shared.layout.log_folder(metadata.get("namespace") or "", metadata["name"], uid)
    for place in (folder / "messages", logs):
        _remove_files(place)
    shared.held.groups.remove(f"pods/{uid}")
    records.forget_pod(shared.layout, uid)
    with suppress(FileNotFoundError):
        folder.rmdir()


def _remove_files(folder: Path) -> None:
    for current, _, names in os.walk(folder, topdown=False):
        for name in names:
            Path(current, name).unlink()
        Path(current).rmdir()
