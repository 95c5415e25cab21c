"""How is a pod, in words? Pure; asked by whoever waits for one."""

import re
from collections.abc import Callable
from typing import Final

from ouranos.kit import conditions, errors, objects
from ouranos.kit.objects import Object

UNDECIDED: Final = 3
"""The exit code by which a container says that a person must decide; its last words say what."""

_TEMPLATES: Final = {
    "Pod": ("spec",),
    **dict.fromkeys(
        ("Deployment", "StatefulSet", "DaemonSet", "Job"), ("spec", "template", "spec")
    ),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}
"""Where an object of a kind says what its pods are."""
_BACK_OFF: Final = "CrashLoopBackOff"
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_UNINTERESTING: Final = frozenset({"", "Completed", "PodInitializing", "ContainerCreating"})


def is_ready(pod: Object) -> bool:
    """Whether the pod is ready and nobody has asked for its deletion."""
    return conditions.is_true(pod, "Ready") and not objects.is_deleting(pod)


def trouble(pod: Object) -> str:
    """Return why a pod is not ready, as far as it is told; empty where nothing is."""
    placed = conditions.find(conditions.of(pod), "PodScheduled") or {}
    if placed.get("status") == conditions.FALSE:
        why = placed.get("message") or placed.get("reason") or "nothing was said"
        return f"pod {pod['metadata']['name']} finds no node: {why}"
    for status in _statuses(pod):
        for one in _states(status):
            reason = one.get("reason") or ""
            if reason not in _UNINTERESTING:
                # That it waits before it is tried again says nothing; why it has ended, it said.
                ended = objects.mapping(status, "lastState", "terminated")
                words = (reason == _BACK_OFF and _last_line(ended)) or _last_line(one)
                told = f"{reason}: {words}" if words else reason
                return f"container {status['name']} of pod {pod['metadata']['name']}: {told}"
    return ""


def refuse_to_guess(pod: Object) -> None:
    """Pass on that a container has left something to a person.

    Raises:
        errors.Terminal: a container has ended with `UNDECIDED`.
    """
    for status in _statuses(pod):
        for one in _states(status):
            if one.get("exitCode") == UNDECIDED:
                words = _last_line(one) or "see its log"
                where = f"container {status['name']} of pod {pod['metadata']['name']}"
                raise errors.Terminal(conditions.Reason.UNRECOVERABLE, f"{where}: {words}")


def last_words(pod: Object, container: str) -> str:
    """Return what a container that has ended left as its message; empty where there is none."""
    for status in _statuses(pod):
        if status["name"] == container:
            return objects.mapping(status, "state", "terminated").get("message") or ""
    return ""


def with_images(obj: Object, found: Callable[[str], str]) -> Object:
    """Return an object whose pods name their images as the nodes find them.

    Args:
        obj: a pod, something that has a template of pods, or anything else; it is left as it is.
        found: given an image's reference, returns the one that the nodes know.
    """
    path = _TEMPLATES.get(obj.get("kind", ""))
    return obj if path is None or found is str else _with_images(obj, path, found)


def _with_images(obj: Object, path: tuple[str, ...], found: Callable[[str], str]) -> Object:
    if path:
        return {**obj, path[0]: _with_images(obj[path[0]], path[1:], found)}
    renamed = {
        field: [{**one, "image": found(one["image"])} for one in obj[field]]
        for field in ("initContainers", "containers")
        if field in obj
    }
    return {**obj, **renamed}


def _last_line(state: Object) -> str:
    """Return the end of a container's message, which may be the last page of a log in colours."""
    lines = _COLOUR.sub("", state.get("message") or "").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _statuses(pod: Object) -> list[Object]:
    return [
        *objects.entries(pod, "status", "initContainerStatuses"),
        *objects.entries(pod, "status", "containerStatuses"),
    ]


def _states(status: Object) -> list[Object]:
    now = objects.mapping(status, "state")
    before = {} if status.get("ready") else objects.mapping(status, "lastState")
    found = (now.get("waiting"), now.get("terminated"), before.get("terminated"))
    return [one for one in found if one]
