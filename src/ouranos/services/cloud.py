"""How does a Cloud become true? By an object for each part, which other controllers make true.

An object that somebody else has made, and a field that somebody else has set, is left alone and
told of in the condition `InControl`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ouranos import releases
from ouranos.api import checks
from ouranos.api import errors as input_errors
from ouranos.kit import (
    cache,
    conditions,
    definition,
    errors,
    kinds,
    objects,
    outcome,
    passes,
    summary,
)
from ouranos.kit.conditions import Reason
from ouranos.kit.objects import Key, Object
from ouranos.services import (
    cloud_fields,
    cloud_ground,
    cloud_parts,
    cloud_state,
    policies,
    registry,
)

IN_CONTROL: Final = "InControl"
_UNDISTURBED: Final = "Every part is as the Cloud says"
_FOR_HANDS: Final = "put the value into the Cloud, or leave it: the Cloud keeps off"


@dataclass(frozen=True, slots=True)
class _Work:
    """One pass over a Cloud, and the services that there are."""

    pass_: passes.Pass
    known: registry.Registry
    system: str
    """The namespace of the controllers."""

    def present(self, name: str) -> Object | None:
        """A part, as the cache has it."""
        return self.pass_.cache.get(self.known.parts[name], name, self.pass_.key.namespace)

    def is_ours(self, obj: Object) -> bool:
        """Whether the Cloud has made an object."""
        return objects.controller_uid(obj) == objects.uid_of(self.pass_.object)


def controller(known: registry.Registry, system: str = policies.SYSTEM) -> definition.Controller:
    """The controller of Clouds.

    Args:
        known: the services that a Cloud may name.
        system: the namespace of the controllers.
    """

    async def reconcile(pass_: passes.Pass) -> outcome.Outcome:
        return await _reconcile(_Work(pass_, known, system))

    watched = (
        *known.parts.values(),
        *(kinds.HYPERVISOR, kinds.CLOUD, kinds.PERSISTENT_VOLUME_CLAIM),
    )
    return definition.Controller(
        name="cloud",
        kind=kinds.CLOUD,
        reconcile=reconcile,
        owns=(kinds.NETWORK_POLICY,),
        watches=(
            *(definition.Watch(kind, _cloud_of) for kind in watched),
            definition.Watch(kinds.NODE, _every),
            definition.Watch(kinds.STORAGE_CLASS, _every),
        ),
    )


def _every(_obj: Object, held: cache.Cache) -> Iterable[Key]:
    return [objects.key_of(one) for one in held.list(kinds.CLOUD)]


def _cloud_of(obj: Object, held: cache.Cache) -> Iterable[Key]:
    """The Cloud whose namespace an object is in; and those that wait for it to go."""
    return [objects.key_of(one) for one in held.list(kinds.CLOUD, objects.namespace_of(obj))]


async def _reconcile(work: _Work) -> outcome.Outcome:
    """Make one pass over a Cloud."""
    pass_ = work.pass_
    if pass_.deleting:
        return await _take_down(work)
    try:
        _refuse_a_second(pass_)
        cloud = checked(pass_.object, work.known)
    except errors.Terminal as error:
        _tell_refused(pass_, error)
        raise
    await pass_.add_finalizer()
    wanted = cloud_parts.parts(work.known, cloud)
    disturbed: list[str] = []
    result = outcome.DONE
    for part in wanted:
        result |= await outcome.settle(_make(work, part, disturbed))
    result |= await _remove(work, cloud)
    await _border(work, cloud, disturbed)
    disturbed += _left_behind(work, wanted)
    _tell_control(pass_, disturbed)
    return result | _tell(work, cloud, wanted)


def _refuse_a_second(pass_: passes.Pass) -> None:
    """Names of parts are those of services, so a namespace holds one cloud: that which has some."""

    def age(cloud: Object) -> tuple[bool, str, str]:
        metadata = cloud["metadata"]
        new = pass_.finalizer not in objects.entries(cloud, "metadata", "finalizers")
        return new, metadata.get("creationTimestamp", ""), objects.uid_of(cloud)

    first = min([*pass_.cache.list(kinds.CLOUD, pass_.key.namespace), pass_.object], key=age)
    if objects.uid_of(first) != objects.uid_of(pass_.object):
        key = objects.key_of(first)
        raise errors.Terminal(
            Reason.UNRECOVERABLE,
            f"namespace {key.namespace} has a cloud already, Cloud/{key.name}; "
            f"hint: make this one in a namespace of its own",
        )


def checked(obj: Object, known: registry.Registry) -> Object:
    """The Cloud with its defaults, once it is known to keep all rules.

    Args:
        obj: the Cloud as the API has it.
        known: the services that it may name.

    Raises:
        errors.Terminal: it does not; the message says what to change.
    """
    try:
        spec = checks.parse(obj, known.kinds).as_object()["spec"]
    except input_errors.InvalidObject as error:
        raise errors.Terminal(Reason.INVALID_SPEC, str(error)) from error
    releases.find(spec["release"])
    return {**obj, "spec": spec}


async def _make(work: _Work, part: cloud_parts.Part, disturbed: list[str]) -> outcome.Outcome:
    """Apply what the Cloud wants of a part, as far as nobody else has a say in it."""
    pass_, present = work.pass_, work.present(part.name)
    if present is not None and not work.is_ours(present):
        disturbed.append(f"{part.kind.kind}/{part.name} was made by somebody else")
        return outcome.DONE
    if present is not None and objects.is_deleting(present):
        return outcome.DONE
    try:
        await pass_.apply(part.wanted, force=False)
    except errors.Conflict as error:
        taken = cloud_fields.taken(error.details)
        if not taken:
            raise
        wanted = cloud_fields.without(part.wanted, (one.field for one in taken))
        await pass_.apply(wanted, force=False)
        disturbed += [
            f"{part.kind.kind}/{part.name} {one.field} was set by {one.manager}" for one in taken
        ]
    except errors.Invalid as error:
        raise errors.Terminal(Reason.INVALID_SPEC, error.message) from error
    return outcome.DONE


async def _border(work: _Work, cloud: Object, disturbed: list[str]) -> None:
    """Let only those connect to a part who need it."""
    pass_ = work.pass_
    nodes = pass_.cache.list(kinds.NODE)
    wanted = policies.policies(policies.of(work.known, cloud, nodes, work.system))
    for policy in wanted:
        try:
            await pass_.apply(policy, force=False)
        except errors.Conflict:
            disturbed.append(f"NetworkPolicy/{policy['metadata']['name']} was set by somebody else")
    names = {policy["metadata"]["name"] for policy in wanted}
    for old in pass_.cache.owned(kinds.NETWORK_POLICY, pass_.object):
        if old["metadata"]["name"] not in names:
            await pass_.delete(kinds.NETWORK_POLICY, old["metadata"]["name"])


async def _remove(work: _Work, cloud: Object) -> outcome.Outcome:
    """Let services go that the spec names no more, each before what it needs; data stays."""
    pass_, known = work.pass_, work.known
    held = {name: work.present(name) for name in known.parts}
    there = frozenset(name for name, obj in held.items() if obj is not None)
    ours = {name: obj for name, obj in held.items() if obj and work.is_ours(obj)}
    result = outcome.DONE
    for name in cloud_parts.unwanted(known, cloud, frozenset(ours)):
        kind = known.parts[name]
        users = cloud_parts.needed_by(known, name, there)
        if users:
            titles = ", ".join(known.parts[user].kind for user in users)
            result |= outcome.wait(f"{kind.kind}/{name} stays until {titles} is gone")
            continue
        if not objects.is_deleting(ours[name]):
            message = f"{kind.kind} is taken out of the cloud; its databases and volumes are kept"
            await pass_.event("Normal", "ServiceRemoved", message)
            await pass_.delete(kind, name, uid=objects.uid_of(ours[name]))
        if work.present(name) is not None:
            result |= outcome.wait(f"{kind.kind}/{name} is being deleted; its data is kept")
    return result


def _left_behind(work: _Work, wanted: tuple[cloud_parts.Part, ...]) -> list[str]:
    """Backing services that nothing uses any more: they hold data, so a person decides."""
    names = {part.name for part in wanted}
    return [
        f"{kind.kind}/{name} is used by no service any more and is kept, because it may hold data; "
        f"delete it when that is not needed"
        for name, kind in work.known.parts.items()
        if cloud_parts.is_backing(name)
        and name not in names
        and (obj := work.present(name))
        and work.is_ours(obj)
    ]


async def _take_down(work: _Work) -> outcome.Outcome:
    """Let services go in order; with the Cloud itself goes what it still owns. Data stays."""
    going = await _remove(work, work.pass_.object)
    if going.done:
        await work.pass_.remove_finalizer()
    return going


def _tell_refused(pass_: passes.Pass, error: errors.Terminal) -> None:
    """What was there goes on, so Available stays; before the first parts there is nothing."""
    pass_.status.pop("awaited", None)
    if conditions.find(pass_.conditions, summary.AVAILABLE) is None:
        _say(pass_, summary.AVAILABLE, conditions.FALSE, error.reason, error.message)


def _tell_control(pass_: passes.Pass, disturbed: list[str]) -> None:
    status, reason = conditions.TRUE, Reason.SUCCEEDED
    message = _UNDISTURBED
    if disturbed:
        status, reason = conditions.FALSE, Reason.UNRECOVERABLE
        message = f"{'; '.join(disturbed)}; hint: {_FOR_HANDS}"
    _say(pass_, IN_CONTROL, status, reason, message)


def _say(pass_: passes.Pass, type_: str, status: str, reason: str, message: str) -> None:
    now = pass_.seams.clock.now()
    conditions.set_condition(
        pass_.conditions, type_, status, reason, message, now, pass_.generation
    )


def _tell(work: _Work, cloud: Object, wanted: tuple[cloud_parts.Part, ...]) -> outcome.Outcome:
    """Write into the draft of the status how the parts are; what is awaited is the outcome."""
    pass_ = work.pass_
    held = {part.name: work.present(part.name) for part in wanted}
    ground = cloud_ground.of_cluster(
        cloud["spec"],
        pass_.cache.list(kinds.NODE),
        pass_.cache.list(kinds.STORAGE_CLASS),
        pass_.cache.list(kinds.PERSISTENT_VOLUME_CLAIM, pass_.key.namespace),
    )
    findings = [
        ground,
        *(
            cloud_state.of_part(part.condition, part.kind.kind, part.name, held[part.name])
            for part in wanted
        ),
    ]
    if "nova" in held:
        machines = pass_.cache.list(kinds.HYPERVISOR, pass_.key.namespace)
        findings.append(cloud_state.of_hypervisors(machines))
    _tell_parts(work, findings)
    late = cloud_state.first_awaited(findings)
    status = pass_.status
    status["endpoints"] = cloud_state.endpoints(
        {name: obj for name, obj in held.items() if obj is not None}
    )
    status.pop("awaited", None)
    if late is None:
        status["release"] = cloud["spec"]["release"]
        return outcome.DONE
    told = conditions.find(pass_.conditions, late.condition) or {}
    status["awaited"] = cloud_state.awaited(late, told.get("lastTransitionTime", ""))
    if late.needs_a_person:
        return outcome.fail(errors.Terminal(Reason(late.reason), late.sentence))
    return outcome.wait(late.sentence)


def _tell_parts(work: _Work, findings: list[cloud_state.Finding]) -> None:
    pass_, told = work.pass_, {finding.condition for finding in findings}
    gone = cloud_state.conditions_of_parts(work.known) - told
    pass_.conditions[:] = [one for one in pass_.conditions if one["type"] not in gone]
    for finding in findings:
        if finding.ready:
            _say(pass_, finding.condition, conditions.TRUE, Reason.SUCCEEDED, "")
        else:
            _say(pass_, finding.condition, conditions.FALSE, finding.reason, finding.sentence)
    unable = [finding for finding in findings if not (finding.available or finding.ready)]
    if unable:
        first = unable[0]
        _say(pass_, summary.AVAILABLE, conditions.FALSE, first.reason, first.sentence)
    else:
        _say(pass_, summary.AVAILABLE, conditions.TRUE, Reason.SUCCEEDED, "")
