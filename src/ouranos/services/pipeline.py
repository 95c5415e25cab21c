"""How does a page become a running service? The stages that all pages share."""

from __future__ import annotations

from ouranos.api import checks
from ouranos.kit import controller, kinds, objects, outcome, pod
from ouranos.kit import pipeline as kit_pipeline
from ouranos.openstack import environment, sessions
from ouranos.services import catalog, claims, files, page, registry, secrets, work, workload

STAGES: tuple[kit_pipeline.Stage[work.Work], ...] = (
    kit_pipeline.Stage((secrets.secrets,)),
    kit_pipeline.Stage((claims.database, files.config)),
    # A schema needs no queue, and a broker starts slowly. Conductors and schedulers log in when
    # they start, so the user comes before the workload.
    kit_pipeline.Stage((claims.queue, workload.schema, catalog.account)),
    kit_pipeline.Stage((workload.workload,)),
    kit_pipeline.Stage((workload.preparation, catalog.catalog)),
    kit_pipeline.Stage((catalog.inside, catalog.health)),
)

OWNED = (
    kinds.SECRET,
    kinds.CONFIG_MAP,
    kinds.DATABASE,
    kinds.VHOST,
    kinds.JOB,
    kinds.SERVICE,
    kinds.DEPLOYMENT,
    kinds.DAEMON_SET,
    kinds.CRON_JOB,
    kinds.POD_DISRUPTION_BUDGET,
)


def controllers(known: registry.Registry, given: sessions.Sessions) -> list[controller.Controller]:
    """One controller for each page."""
    return [controller_of(service, known, given) for service in known.pages]


def controller_of(
    service: page.Service, known: registry.Registry, given: sessions.Sessions
) -> controller.Controller:
    """The controller of one page.

    Args:
        service: The page.
        known: All services that there are.
        given: Sessions with the clouds.
    """
    names = {one.name: one.kind for one in known.pages}

    async def reconcile(pass_: controller.Pass) -> outcome.Outcome:
        if pass_.deleting:
            return outcome.DONE
        _check(service, known, pass_.object)
        scope = work.scope_of(service, pass_, names)
        work_ = work.Work(service, scope, pass_, given)
        return await kit_pipeline.run(
            pass_, work_, STAGES, available=workload.is_serving, proofs=(catalog.HEALTH,)
        )

    neighbours = [names[name] for name in (*service.needs, *service.optional)]
    watched = [*neighbours, kinds.POD, kinds.SECRET, *([kinds.OVN] if service.ovn else [])]
    return controller.Controller(
        name=service.name,
        kind=service.kind,
        reconcile=reconcile,
        owns=OWNED,
        watches=tuple(_same_namespace(service, kind) for kind in watched),
        reads=(kinds.MEMCACHED, kinds.PERSISTENT_VOLUME_CLAIM, *names.values()),
    )


def _check(service: page.Service, known: registry.Registry, obj: objects.Object) -> None:
    """Refuse what an API server without our rules has let through."""
    wrong = checks.problems(obj, known.kinds)
    if wrong:
        raise work.refuse("; ".join(map(str, wrong)))
    release: str = obj["spec"]["release"]
    if release not in service.releases:
        choice = ", ".join(sorted(service.releases))
        raise work.refuse(f"{service.kind.kind} has no release {release}; hint: choose {choice}")


def _same_namespace(service: page.Service, kind: objects.Kind) -> controller.Watch:
    """Wakes a service by objects of its namespace; of pods only by its own in trouble.

    Of Secrets by those with its names, for one that outlives it, or that a person has restored,
    names no owner.
    """
    secrets_ = {environment.secret_name(service.name, one.name) for one in service.credentials()}

    def keys(obj: objects.Object, held: controller.Cache) -> list[objects.Key]:
        if kind is kinds.POD and not _tells(service, obj):
            return []
        if kind is kinds.SECRET and objects.key_of(obj).name not in secrets_:
            return []
        return [objects.key_of(one) for one in held.list(service.kind, objects.namespace_of(obj))]

    return controller.Watch(kind, keys)


def _tells(service: page.Service, obj: objects.Object) -> bool:
    if objects.labels_of(obj).get("app.kubernetes.io/name") != service.name:
        return False
    statuses = objects.entries(obj, "status", "containerStatuses")
    return any(status.get("restartCount") for status in statuses) or bool(pod.trouble(obj))
