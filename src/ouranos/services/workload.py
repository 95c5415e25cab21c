"""How do the parts of a service come to run? The steps `schema` and `workload`."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from ouranos.kit import conditions, errors, kinds, objects, outcome, pod
from ouranos.services import claims, content, files, labels, manifests, page, pods, work

Kinds = {
    page.Shape.SCALABLE: kinds.DEPLOYMENT,
    page.Shape.SINGLE: kinds.DEPLOYMENT,
    page.Shape.PER_NODE: kinds.DAEMON_SET,
    page.Shape.PERIODIC: kinds.CRON_JOB,
}


def facts_of(work_: work.Work) -> pods.Facts:
    """What the pods need of the world, out of the cache."""
    texts = files.of(work_)
    config = files.config_map(work_.page, work_.scope, texts)
    held = {one.claim: work_.held(kinds.DATABASE, one.claim) for one in work_.page.databases}
    places = {name: place for name, claim in held.items() if (place := claims.place(claim))}
    made = (objects.mapping(claim or {}, "status").get("created", "") for claim in held.values())

    def checksum(names: tuple[str, ...]) -> str:
        found = (work_.held(kinds.SECRET, name) for name in names)
        return content.checksum(secret for secret in found if secret is not None)

    return pods.Facts(
        config=config["metadata"]["name"] if config else "",
        paths=tuple(texts),
        databases=places,
        made=tuple(made),
        queue=claims.place(work_.held(kinds.VHOST, work_.page.name)),
        checksum=checksum,
    )


async def schema(work_: work.Work) -> outcome.Outcome:
    """The databases have this release's tables, and what only the initialiser can put into them."""
    told = work_.page.schema
    if told is None or told.needs_running:
        return outcome.DONE
    return await _initialise(work_, told)


async def preparation(work_: work.Work) -> outcome.Outcome:
    """What can be initialised only while the service runs is done."""
    told = work_.page.schema
    if told is None or not told.needs_running:
        return outcome.DONE
    return await _initialise(work_, told)


async def _initialise(work_: work.Work, told: page.Schema) -> outcome.Outcome:
    wanted = manifests.schema_job(work_.page, work_.scope, facts_of(work_), told)
    name: str = wanted["metadata"]["name"]
    if work_.pass_.status.get("schema") == name:
        return outcome.DONE
    # A Job's template cannot change; one that is there is what was wanted, by its name.
    job = work_.held(kinds.JOB, name) or await work_.pass_.apply(wanted)
    state = {item["type"]: item for item in conditions.of(job) if item["status"] == "True"}
    if "Failed" in state:
        await work_.pass_.delete(kinds.JOB, name)
        raise errors.Transient(
            f"Job/{name} failed: {state['Failed'].get('message', '')}; it is started again"
        )
    if "Complete" not in state:
        return outcome.wait(f"Job/{name} to complete{_trouble(work_, 'schema', job)}")
    work_.pass_.status |= {"schema": name, "release": work_.scope.release}
    await _remove_jobs(work_, name)
    return outcome.DONE


async def _remove_jobs(work_: work.Work, name: str) -> None:
    for job in work_.pass_.cache.owned(kinds.JOB, work_.pass_.object):
        if job["metadata"]["name"] != name:
            await work_.pass_.delete(kinds.JOB, job["metadata"]["name"])


async def workload(work_: work.Work) -> outcome.Outcome:
    """Every component runs as the page says, with the present configuration, and is ready."""
    for wanted in _supporting(work_):
        await work_.pass_.apply(wanted)
    for wanted in manifests.storage(work_.page, work_.scope):
        await _claim(work_, wanted)
    facts = facts_of(work_)
    awaited: dict[str, str] = {}
    for component in work_.page.components:
        said = await _component(work_, facts, component, awaited)
        if said:
            awaited[component.name] = said
    if awaited:
        return outcome.wait("; ".join(awaited.values()))
    await files.remove_old(work_, facts.config)
    _report(work_)
    return outcome.DONE


async def _claim(work_: work.Work, wanted: objects.Object) -> None:
    """Make a claim on a volume; one that is there is a person's to change, as far as any can be.

    Raises:
        errors.Terminal: pods of several nodes are to share a volume that only one may have.
    """
    name: str = wanted["metadata"]["name"]
    present = work_.held(kinds.PERSISTENT_VOLUME_CLAIM, name)
    if present is None:
        with contextlib.suppress(errors.AlreadyExists):
            # Claims outlive the service: with them would go people's data.
            await work_.pass_.create(wanted, owned=False)
        return
    missing = set(wanted["spec"]["accessModes"]) - set(present["spec"]["accessModes"])
    if missing and work_.scope.replicas > 1:
        raise work.refuse(
            f"PersistentVolumeClaim/{name} is not {missing.pop()}, so copies on several nodes "
            "cannot share it; hint: set replicas to 1"
        )


def _supporting(work_: work.Work) -> Sequence[objects.Object]:
    return [
        *manifests.services(work_.page, work_.scope),
        *manifests.budgets(work_.page, work_.scope),
    ]


def _missing(work_: work.Work, first: str | objects.Kind, awaited: dict[str, str]) -> str:
    """What has to come before a component, in words, as long as it is not there."""
    if isinstance(first, str):
        return first if first in awaited else ""
    name = first.kind.lower()
    found = work_.held(first, name)
    ready = found is not None and conditions.is_true(found, "CatalogReady")
    return "" if ready else f"the catalogue entry of {first.kind}/{name}"


async def _component(
    work_: work.Work, facts: pods.Facts, component: page.Component, awaited: dict[str, str]
) -> str:
    """What a component still waits for; empty when it is up."""
    kind = Kinds[component.shape]
    name = manifests.name_of(work_.page, component)
    first = [told for one in component.after if (told := _missing(work_, one, awaited))]
    if first and work_.held(kind, name) is None:
        return f"{kind.kind}/{name} comes after {', '.join(first)}"
    wanted = manifests.workload(work_.page, work_.scope, facts, component)
    present = await work_.pass_.apply(wanted)
    if component.shape is page.Shape.PERIODIC or is_rolled_out(present):
        return ""
    return f"{kind.kind}/{name} to be ready{_trouble(work_, component.name, present)}"


def is_rolled_out(workload_: objects.Object) -> bool:
    """Whether every pod of a Deployment or DaemonSet is of the present template, and ready."""
    status = objects.mapping(workload_, "status")
    if status.get("observedGeneration", 0) < workload_["metadata"].get("generation", 0):
        return False
    if workload_["kind"] == kinds.DAEMON_SET.kind:
        wanted = status.get("desiredNumberScheduled", 0)
        updated = status.get("updatedNumberScheduled", 0)
        return wanted == updated == status.get("numberReady", 0)
    wanted = workload_["spec"].get("replicas", 1)
    counts = ("updatedReplicas", "readyReplicas", "replicas")
    return all(status.get(count, 0) == wanted for count in counts)


def is_serving(work_: work.Work) -> bool:
    """Whether each listening component has a ready pod, of whatever generation."""
    for component in work_.page.components:
        if component.listener is None:
            continue
        found = work_.held(Kinds[component.shape], manifests.name_of(work_.page, component))
        if not objects.mapping(found or {}, "status").get("readyReplicas"):
            return False
    return True


def _trouble(work_: work.Work, component: str, workload_: objects.Object) -> str:
    """Why a component's pods are not ready, or not there, where a container or Kubernetes says."""
    selector = labels.selector(work_.page, component)
    found = work_.pass_.cache.list(kinds.POD, work_.scope.namespace, labels=selector)
    said = [pod.trouble(one) for one in found]
    refused = conditions.find(conditions.of(workload_), "ReplicaFailure") or {}
    said.append(refused.get("message") or "")
    return next((f" ({told})" for told in said if told), "")


def _report(work_: work.Work) -> None:
    scalable = [
        component for component in work_.page.components if component.shape is page.Shape.SCALABLE
    ]
    first = scalable[0] if scalable else work_.page.components[0]
    selector = labels.selector(work_.page, first.name)
    work_.pass_.status |= {
        "replicas": work_.scope.replicas,
        "selector": ",".join(f"{name}={value}" for name, value in selector.items()),
    }
