"""What in a Kubernetes cluster keeps a cloud from going on? Pure: objects in, findings out.

A Cloud says what it awaits. That a pod finds no node, or a node no image, is said by other objects;
a person wants the last link of that chain, and what to do about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ouranos.kit import conditions, objects, storage
from ouranos.kit import pod as pods
from ouranos.kit.objects import Object
from ouranos.look import state

PATIENCE: Final = timedelta(seconds=20)
"""So long is what passes by itself no trouble: a mount, a load balancer's address."""

_UNSCHEDULABLE: Final = "Unschedulable"
IMAGE: Final = (
    *("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"),
    *("ImageInspectError", "RegistryUnavailable"),
)
"""Why a container waits for an image, as kubelet says it."""
_REFUSED: Final = ("FailedCreate", "FailedDaemonPod")
_MAKING: Final = ("ContainerCreating", "PodInitializing")


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read of a namespace and of what it stands on; empty where we may not look.

    Attributes:
        options: by which a person names the cloud in a command of Ouranos.
        install: the command that installs Ouranos in the cluster.
    """

    namespace: str
    options: str = ""
    install: str = "ouranos install"
    pods: Sequence[Object] = ()
    claims: Sequence[Object] = ()
    services: Sequence[Object] = ()
    events: Sequence[Object] = ()
    classes: Sequence[Object] | None = None


def first(seen: Seen, now: datetime) -> state.Finding | None:
    """What a person should look at first, or None when nothing stands out."""
    late = [each for each in seen.pods if not _is_well(each)]
    found = (
        *_without_class(seen),
        *_unplaced(seen.namespace, late),
        *_without_image(late, seen.install),
        *_refused(seen, now),
        *_broken(late, seen.options),
        *_not_begun(seen, late, now),
        *_without_address(seen.services, now),
    )
    return found[0] if found else None


def _is_well(pod: Object) -> bool:
    return pods.is_ready(pod) or objects.mapping(pod, "status").get("phase") == "Succeeded"


def _without_class(seen: Seen) -> Iterator[state.Finding]:
    """Claims for storage that no StorageClass will fulfil."""
    if seen.classes is None:
        return
    known = {objects.key_of(each).name for each in seen.classes}
    default = storage.has_default(seen.classes)
    for claim in seen.claims:
        if objects.mapping(claim, "status").get("phase") == "Bound":
            continue
        name = claim["metadata"]["name"]
        wanted = claim["spec"].get("storageClassName")
        if wanted and wanted not in known:
            yield state.Finding(
                "storage",
                f"the claim {name} asks for the StorageClass {wanted}, which does not exist",
                f"there is: {', '.join(sorted(known)) or 'none'}",
            )
        elif wanted is None and not default:
            yield state.Finding(
                "storage",
                f"the claim {name} finds no default StorageClass",
                f'kubectl annotate storageclass NAME {storage.DEFAULT}="true"',
            )


def _unplaced(namespace: str, late: Iterable[Object]) -> Iterator[state.Finding]:
    """Pods that no node may or can run."""
    for pod in late:
        said = conditions.find(objects.entries(pod, "status", "conditions"), "PodScheduled")
        if said is None or said.get("reason") != _UNSCHEDULABLE:
            continue
        words = said.get("message", "")
        yield (
            state.Finding(
                "nodes",
                f"no node takes the pod {pod['metadata']['name']}: {words}",
                _room(pod, words),
            )
            if "PersistentVolumeClaim" not in words
            else state.Finding(
                "storage",
                f"the pod {pod['metadata']['name']} waits for its storage: {words}",
                f"kubectl --namespace {namespace} describe persistentvolumeclaims",
            )
        )


def _room(pod: Object, words: str) -> str:
    """What would make a node take the pod, going by the scheduler's words."""
    if "affinity" in words or "selector" in words:
        if labels := ", ".join(sorted(_wanted_labels(pod))):
            return f"label a node: kubectl label node NAME {labels}="
        return "kubectl get nodes --show-labels"
    if "Insufficient" in words:
        return (
            "give the cluster a larger node or one more; kubectl describe nodes shows what is used"
        )
    if "taint" in words:
        return "kubectl describe nodes shows the taints, and what made them"
    return (
        f"kubectl --namespace {pod['metadata']['namespace']} describe pod {pod['metadata']['name']}"
    )


def _wanted_labels(pod: Object) -> set[str]:
    wanted = set(objects.mapping(pod, "spec", "nodeSelector"))
    affinity = objects.mapping(pod, "spec", "affinity", "nodeAffinity")
    required = objects.mapping(affinity, "requiredDuringSchedulingIgnoredDuringExecution")
    for term in objects.entries(required, "nodeSelectorTerms"):
        wanted |= {each["key"] for each in objects.entries(term, "matchExpressions")}
    return {each for each in wanted if each.startswith("ouranos.cloud/")}


def _without_image(late: Iterable[Object], install: str) -> Iterator[state.Finding]:
    """Containers whose image a node does not have and cannot fetch."""
    for pod in late:
        for status in _containers(pod):
            waiting = objects.mapping(status, "state", "waiting")
            if waiting.get("reason") not in IMAGE:
                continue
            node = pod["spec"].get("nodeName", "its node")
            yield state.Finding(
                "images",
                f"{node} cannot get the image {status['image']} of pod {pod['metadata']['name']}: "
                f"{_one_line(waiting.get('message', '')) or waiting['reason']}",
                f"on {node}: ouranos images load; or ouranos images push REGISTRY, "
                f"then {install} --images REGISTRY",
            )


def _refused(seen: Seen, now: datetime) -> Iterator[state.Finding]:
    """Pods that the API server does not let a controller of Kubernetes make."""
    for event in _lately(seen.events, now):
        if event.get("reason") not in _REFUSED:
            continue
        words = _one_line(event.get("message", ""))
        hint = (
            f"kubectl label namespace {seen.namespace} "
            "pod-security.kubernetes.io/enforce=privileged --overwrite"
            if "PodSecurity" in words
            else f"kubectl --namespace {seen.namespace} get events"
        )
        about = event.get("involvedObject", {})
        yield state.Finding("pods", f"{about.get('kind')} {about.get('name')}: {words}", hint)


def _broken(late: Iterable[Object], options: str) -> Iterator[state.Finding]:
    """Containers that end, or cannot be started."""
    for pod in late:
        if not (told := pods.trouble(pod)):
            continue
        labels = objects.labels_of(pod)
        names = (labels.get(f"app.kubernetes.io/{key}") for key in ("name", "component"))
        yield state.Finding("pods", told, f"ouranos logs{options} {'/'.join(filter(None, names))}")


def _not_begun(seen: Seen, late: Iterable[Object], now: datetime) -> Iterator[state.Finding]:
    """Pods whose node says why it has not started them: a mount, a network."""
    for pod in late:
        reasons = {
            objects.mapping(one, "state", "waiting").get("reason") for one in _containers(pod)
        }
        if not reasons & set(_MAKING) or _age(pod, now) < PATIENCE:
            continue
        metadata = pod["metadata"]
        for event in _lately(seen.events, now):
            if event.get("involvedObject", {}).get("uid") == metadata["uid"]:
                yield state.Finding(
                    "pods",
                    f"pod {metadata['name']}: {_one_line(event.get('message', ''))}",
                    f"kubectl --namespace {seen.namespace} describe pod {metadata['name']}",
                )


def _without_address(services: Iterable[Object], now: datetime) -> Iterator[state.Finding]:
    """Services that wait for an address from outside."""
    for service in services:
        given = objects.entries(service, "status", "loadBalancer", "ingress")
        if service["spec"].get("type") != "LoadBalancer" or given or _age(service, now) < PATIENCE:
            continue
        yield state.Finding(
            "addresses",
            f"nobody gives the Service {service['metadata']['name']} an address",
            "the cluster needs what serves Services of type LoadBalancer, such as MetalLB",
        )


def _containers(pod: Object) -> list[Object]:
    status = objects.mapping(pod, "status")
    names = ("initContainerStatuses", "containerStatuses")
    return [each for name in names for each in objects.entries(status, name)]


def _lately(events: Iterable[Object], now: datetime) -> Iterator[Object]:
    """Warnings of the last minutes, the newest first: what is over is told no longer."""
    warned = [each for each in events if each.get("type") == "Warning"]
    for event in sorted(warned, key=_told_at, reverse=True):
        if now - conditions.moment_of(_told_at(event)) < timedelta(minutes=5):
            yield event


def _told_at(event: Object) -> str:
    series = objects.mapping(event, "series").get("lastObservedTime")
    told = series or event.get("lastTimestamp") or event.get("eventTime")
    return str(told or event["metadata"]["creationTimestamp"])


def _age(obj: Object, now: datetime) -> timedelta:
    return now - conditions.moment_of(obj["metadata"]["creationTimestamp"])


def _one_line(text: str) -> str:
    return " ".join(text.split())
