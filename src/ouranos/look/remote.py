"""A cloud in a Kubernetes cluster that a kubeconfig leads to, as a `place.Place`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Generator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from ouranos.kit import cluster, conditions, errors, kinds, kubeconfig, objects
from ouranos.look import alone, credentials, place, state, trouble

SYSTEM: Final = "ouranos-system"
"""The namespace of the controllers, where nothing else is said."""
LEASE: Final = "ouranos-controllers"
MANAGER: Final = "ouranos-cli"
_CONTROLLERS: Final = "app.kubernetes.io/name=ouranos-controllers"

_SILENT: Final = timedelta(seconds=20)
"""Controllers renew their Lease every 2 s; who has not for so long does not look after anything."""
_LISTEN: Final = 5.0
"""Seconds in which a living holder renews: clocks of two machines may differ, a change cannot."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How a person named the cloud.

    Attributes:
        kubeconfig: leads to the cluster.
        context: of the kubeconfig; its current one where empty.
        cloud: the Cloud's name; may be empty where there is one.
        namespace: where to look for it; everywhere where empty.
        system: the namespace of the controllers.
        guests: where the guest of `verify` is kept.
    """

    kubeconfig: Path
    context: str = ""
    cloud: str = ""
    namespace: str = ""
    system: str = SYSTEM
    guests: Path = Path()

    @property
    def options(self) -> str:
        """The same, as it is written on a command line, with a space before it."""
        given = (
            ("cloud", self.cloud),
            ("namespace", self.namespace),
            ("system", self.system if self.system != SYSTEM else ""),
        )
        return kubeconfig.options(self.kubeconfig, self.context) + kubeconfig.written(given)

    @property
    def install(self) -> str:
        """The command that installs Ouranos in the same cluster, or mends it."""
        given = [("namespace", self.system if self.system != SYSTEM else "")]
        return self.aimed("ouranos install") + kubeconfig.written(given)

    def aimed(self, hint: str) -> str:
        """A hint whose commands lead to the same cluster."""
        return kubeconfig.aimed(hint, self.kubeconfig, self.context)


@contextlib.asynccontextmanager
async def find(asked: Asked) -> AsyncGenerator[Remote]:
    """The cloud that is meant, its cluster reached and its name known.

    Raises:
        kubeconfig.RefusedError: the kubeconfig leads to no cluster that can be used.
        place.RefusedError: there is no such cloud, or several, or the cluster does not let us look.
    """
    async with kubeconfig.connect(asked.kubeconfig, asked.context or None, manager=MANAGER) as api:
        with explained(asked):
            name, namespace = await choose(api, asked)
            yield Remote(api, name, namespace, asked)


@contextlib.contextmanager
def explained(asked: Asked) -> Generator[None]:
    """Say of the cluster's refusals what they mean to a person who looks.

    Raises:
        place.RefusedError: the cluster refused; the hint leads to it, and to no other.
    """
    try:
        yield
    except (errors.ApiError, errors.Unreachable) as error:
        message, hint = _meaning(error, asked)
        raise place.RefusedError(message, asked.aimed(hint)) from error
    except place.RefusedError as error:
        error.hint = asked.aimed(error.hint)
        raise


def _meaning(error: errors.ApiError | errors.Unreachable, asked: Asked) -> tuple[str, str]:
    """What a refusal says to a person, and what they could do."""
    look = "kubectl get --raw '/readyz?verbose'"
    if isinstance(error, errors.Unreachable):
        return f"the cluster's API does not answer any more: {error.__cause__ or error}", look
    if isinstance(error, errors.Forbidden):
        return (
            f"the cluster does not allow it: {error.message}",
            "ask its administrator for that right, or use another --context",
        )
    if error.status == kubeconfig.UNAUTHORISED:
        return (
            "the cluster does not know us any more",
            f"the credentials in {asked.kubeconfig} have ended; get new ones",
        )
    return f"the cluster's API refused: {error}", f"try again; how it is, says {look}"


async def choose(api: cluster.Cluster, asked: Asked) -> tuple[str, str]:
    """Name and namespace of the only Cloud that fits."""
    try:
        found = (await api.list(kinds.CLOUD, asked.namespace)).items
    except errors.NotFound as error:
        raise place.RefusedError(
            "Ouranos is not installed in this cluster: it knows no Clouds",
            asked.install,
        ) from error
    except errors.Forbidden as error:
        if asked.namespace:
            raise
        raise place.RefusedError(
            f"the cluster does not let us look for Clouds everywhere: {error.message}",
            "say where yours is: --namespace NAMESPACE",
        ) from error
    keys = [objects.key_of(each) for each in found]
    fitting = [key for key in keys if asked.cloud in {"", key.name}]
    if len(fitting) == 1:
        return fitting[0].name, fitting[0].namespace
    where = f"in the namespace {asked.namespace}" if asked.namespace else "in this cluster"
    there = ", ".join(map(str, keys))
    if fitting:
        one = fitting[0]
        raise place.RefusedError(
            f"there are several Clouds {where}: {', '.join(map(str, fitting))}",
            f"name one: --namespace {one.namespace} --cloud {one.name}",
        )
    if asked.cloud and keys:
        raise place.RefusedError(f"there is no Cloud {asked.cloud!r} {where}", f"there is: {there}")
    raise place.RefusedError(
        f"there is no Cloud {where}",
        "make one: kubectl apply --filename cloud.yaml",
    )


@dataclass(frozen=True, slots=True)
class Remote:
    """The cloud; a `place.Place`."""

    api: cluster.Cluster
    cloud: str
    namespace: str
    asked: Asked

    @property
    def options(self) -> str:
        """The options that name it."""
        return self.asked.options

    @property
    def files(self) -> Mapping[str, Path]:
        """The kubeconfig; passwords stay in the cluster."""
        return {"kubeconfig": self.asked.kubeconfig}

    @property
    def guests(self) -> Path:
        """Where the small guest is kept."""
        return self.asked.guests

    async def look(self) -> tuple[objects.Object, state.State]:
        """The Cloud, and how it is by itself, its controllers and what it waits for.

        Raises:
            place.RefusedError: the Cloud was deleted.
        """
        held = await self.api.get(kinds.CLOUD, self.cloud, self.namespace)
        if held is None:
            raise place.RefusedError(
                f"the Cloud {self.namespace}/{self.cloud} has been deleted",
                "make it again: kubectl apply --filename cloud.yaml",
            )
        now = await self._silence() or await self._state(held)
        return held, replace(now, hint=self.asked.aimed(now.hint))

    async def _state(self, held: objects.Object) -> state.State:
        """What the Cloud says, with what it waits for."""
        now = state.of_cloud(held)
        if now.ready or now.stopped:
            return now
        found = trouble.first(await self._seen(self.namespace), datetime.now(UTC))
        if found is None:
            return now
        cause = "" if found.message in now.message else found.message
        return replace(now, cause=cause, hint=now.hint or found.hint)

    async def own_pods(self) -> list[objects.Object]:
        """The controllers' pods.

        Raises:
            place.RefusedError: there are none; controllers may run outside the cluster.
        """
        pods = (await self.api.list(kinds.POD, self.asked.system, labels=_CONTROLLERS)).items
        if not pods:
            raise place.RefusedError(
                f"no controllers run in the namespace {self.asked.system}", await self._remedy()
            )
        return pods

    async def environment(self) -> dict[str, str]:
        """The administrator in variables, so that no password is written anywhere.

        Raises:
            place.RefusedError: there is no administrator yet.
        """
        try:
            found = await credentials.of_administrator(self.api, self.cloud, self.namespace)
        except credentials.NotKnownYetError as error:
            raise place.RefusedError(str(error), f"ouranos status{self.options}") from error
        return credentials.variables(found)

    def alone(self, purpose: str) -> contextlib.AbstractAsyncContextManager[None]:
        """Hold a Lease beside the Cloud."""
        return alone.hold(self.api, self.namespace, purpose)

    async def _silence(self) -> state.State | None:
        """What to say where no controllers look after the cloud; None where they do."""
        try:
            lease = await self._lease()
            if is_alive(lease, datetime.now(UTC)):
                return None
            await asyncio.sleep(_LISTEN)
            again = await self._lease()
        except errors.Forbidden:
            return None  # who may not see it is told what the Cloud says
        renewed, before = _renewed(again), _renewed(lease)
        if renewed and renewed != before:
            return None
        seen = await self._seen_of_controllers()
        found = trouble.first(seen, datetime.now(UTC))
        name = f"{self.asked.system}/{LEASE}"
        told = (
            f"the Lease {name} was last renewed {_ago(renewed)} ago"
            if renewed
            else (f"nobody holds the Lease {name}")
        )
        return state.State(
            ready=False,
            stopped=False,
            message=f"nobody looks after this cloud: {told}",
            since="",
            hint=found.hint if found else await self._start(seen),
            cause=found.message if found else "",
        )

    async def _start(self, seen: trouble.Seen) -> str:
        """What brings controllers back where nothing else says what keeps them away."""
        if seen.pods:
            return f"ouranos logs{self.options} controllers"
        return await self._remedy()

    async def _remedy(self) -> str:
        """What to do where there are no controllers: say where they are, or install them."""
        with contextlib.suppress(errors.Forbidden):
            leases = await self.api.list(kinds.LEASE, "", fields=f"metadata.name={LEASE}")
            for one in leases.items:
                if is_alive(one, datetime.now(UTC)):
                    return f"say where they are: --system {objects.namespace_of(one)}"
        return self.asked.install

    async def _lease(self) -> objects.Object | None:
        return await self.api.get(kinds.LEASE, LEASE, self.asked.system)

    async def _seen_of_controllers(self) -> trouble.Seen:
        """What may stand in the way of controllers, whoever shares their namespace."""
        seen = await self._seen(self.asked.system)
        name, _, value = _CONTROLLERS.partition("=")
        pods = [one for one in seen.pods if objects.labels_of(one).get(name) == value]
        return replace(seen, pods=pods, claims=(), services=())

    async def _seen(self, namespace: str) -> trouble.Seen:
        """What may stand in the way of a namespace's pods."""
        pods, claims, services, events, classes = await asyncio.gather(
            *(
                self._read(kind, namespace)
                for kind in (
                    kinds.POD,
                    kinds.PERSISTENT_VOLUME_CLAIM,
                    kinds.SERVICE,
                    kinds.EVENT,
                    kinds.STORAGE_CLASS,
                )
            )
        )
        return trouble.Seen(
            namespace,
            self.options,
            self.asked.install,
            pods or (),
            claims or (),
            services or (),
            events or (),
            classes,
        )

    async def _read(self, kind: objects.Kind, namespace: str) -> list[objects.Object] | None:
        """All of a kind; None where we have no right to see them, which says nothing of them."""
        fields = "type=Warning" if kind == kinds.EVENT else ""
        try:
            where = namespace if kind.namespaced else ""
            return (await self.api.list(kind, where, fields=fields)).items
        except errors.Forbidden:
            return None


def is_alive(lease: objects.Object | None, now: datetime) -> bool:
    """Whether its holder has renewed it lately, as far as two machines' clocks can tell."""
    if not (renewed := _renewed(lease)):
        return False
    return abs(now - conditions.moment_of(renewed)) < _SILENT


def _renewed(lease: objects.Object | None) -> str:
    """When a holder renewed the Lease; empty where none holds it."""
    spec = objects.mapping(lease or {}, "spec")
    return str(spec.get("renewTime") or "") if spec.get("holderIdentity") else ""


def _ago(renewed: str) -> str:
    return state.age_of(renewed, datetime.now(UTC))
