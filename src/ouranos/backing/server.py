"""How is a backing server kept running, or checked where somebody else runs it?

The steps that all four kinds of server share.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from ouranos.backing import accounts, manifests, operated_server, operators, rollout
from ouranos.backing import page as page_
from ouranos.images import catalog
from ouranos.kit import controller, kinds, objects, outcome, pipeline, randoms
from ouranos.kit.objects import Key, Kind, Object

_AGAIN: Final = timedelta(minutes=1)
_HEALTH: Final = "health"


@dataclass(frozen=True, slots=True)
class Scope:
    """What one pass over a server has in its hands."""

    pass_: controller.Pass
    site: page_.Site


async def secrets(scope: Scope) -> outcome.Outcome:
    """The server's own account exists; if its Secret is lost, it is made anew."""
    credential = scope.site.page.credential
    if credential is None or _held(scope, kinds.SECRET, scope.site.secret) is not None:
        return outcome.DONE
    chance = scope.pass_.seams.random
    password = randoms.password(chance)
    data = {
        "username": credential.username,
        "password": password,
        **credential.further(credential.username, password, chance),
    }
    await scope.pass_.create(manifests.secret(scope.site.identity, scope.site.secret, data))
    return outcome.DONE


async def configuration(scope: Scope) -> outcome.Outcome:
    """The server's configuration exists, named after its content."""
    wanted = _configuration(scope)
    if wanted is not None:
        await scope.pass_.apply(wanted)
    return outcome.DONE


async def workload(scope: Scope) -> outcome.Outcome:
    """The server's pod runs, is of the present configuration, and is found by its Services."""
    pass_ = scope.pass_
    for service in manifests.services(scope.site.identity, scope.site.page.ports):
        await pass_.apply(service)
    if scope.site.page.keeps_data:
        await pass_.apply(manifests.budget(scope.site.identity))
    wanted = _configuration(scope)
    config = wanted["metadata"]["name"] if wanted else ""
    pod = scope.site.page.pod(scope.site.builtin)
    present = await pass_.apply(
        manifests.stateful_set(scope.site.identity, pod, _sources(scope, config))
    )
    pods = pass_.cache.list(
        kinds.POD, scope.site.identity.namespace, labels=scope.site.identity.selector
    )
    awaited = rollout.awaited(present, pods)
    if awaited is not None:
        return outcome.wait(awaited)
    for old in pass_.cache.owned(kinds.CONFIG_MAP, pass_.object):
        if old["metadata"]["name"] != config:
            await pass_.delete(kinds.CONFIG_MAP, old["metadata"]["name"])
    return outcome.DONE


async def instance(scope: Scope) -> outcome.Outcome:
    """The operator's object of the server exists, and the operator has made it true."""
    return await operated_server.instance(scope.pass_, scope.site)


async def health(scope: Scope) -> outcome.Outcome:
    """The server answers a question from outside."""
    site = scope.site
    answers = site.page.answers(site)
    account = site.login() if site.page.credential else None
    content = objects.digest([scope.pass_.object["spec"], answers, account]).hex()

    async def looked() -> outcome.Outcome:
        return outcome.Outcome(found=await site.page.health(site))

    result = await scope.pass_.look(_HEALTH, content, looked, _AGAIN)
    scope.pass_.status |= {**result.found, **answers}
    return result


_BUILTIN: Final = (
    pipeline.Stage[Scope]((secrets, configuration)),
    pipeline.Stage[Scope]((workload,)),
    pipeline.Stage[Scope]((health,)),
)
_EXTERNAL: Final = (pipeline.Stage[Scope]((health,)),)
_OPERATED: Final = (pipeline.Stage[Scope]((instance,)), pipeline.Stage[Scope]((health,)))


def controller_of(page: page_.Page, means: page_.Means) -> controller.Controller:
    """Return the controller of one kind of server."""

    async def reconcile(pass_: controller.Pass) -> outcome.Outcome:
        scope = Scope(pass_, page_.Site(pass_.object, page, means, pass_.cache, pass_.seams))
        if pass_.deleting:
            if scope.site.operator is None:
                return outcome.DONE
            return await operated_server.let_go(pass_, scope.site)
        stages = _BUILTIN if scope.site.is_builtin else _EXTERNAL
        if scope.site.operator is not None:
            await pass_.add_finalizer()
            stages = _OPERATED
        return await pipeline.run(pass_, scope, stages, available=_is_running, proofs=(_HEALTH,))

    def of_pod(pod: Object, held: controller.Cache) -> list[Key]:
        name = objects.labels_of(pod).get("app.kubernetes.io/name", "")
        key = Key(objects.namespace_of(pod), name)
        return [key] if held.get(page.kind, name, key.namespace) else []

    def of_secret(secret: Object, held: controller.Cache) -> list[Key]:
        key = objects.key_of(secret)
        return [
            objects.key_of(obj)
            for obj in held.list(page.kind, key.namespace)
            if key.name == _secret_of(page.operator, obj, held)
        ]

    def of_instance(theirs: Object, held: controller.Cache) -> list[Key]:
        key = objects.key_of(theirs)
        return [
            objects.key_of(obj)
            for obj in held.list(page.kind, key.namespace)
            if page.operator and key.name == page.operator.reference(obj)
        ]

    theirs = () if page.operator is None else (page.operator.kind,)

    return controller.Controller(
        name=page.kind.kind.lower(),
        kind=page.kind,
        reconcile=reconcile,
        owns=(
            kinds.SECRET,
            kinds.CONFIG_MAP,
            kinds.SERVICE,
            kinds.STATEFUL_SET,
            kinds.POD_DISRUPTION_BUDGET,
        ),
        watches=(
            controller.Watch(kinds.POD, of_pod),
            controller.Watch(kinds.SECRET, of_secret),
            *(controller.Watch(kind, of_instance) for kind in theirs),
        ),
        optional=theirs,
    )


def _is_running(scope: Scope) -> bool:
    if scope.site.operator is not None:
        return operated_server.serves(scope.site)
    if scope.site.external is not None:
        return False
    present = _held(scope, kinds.STATEFUL_SET, scope.site.identity.name)
    return present is not None and objects.mapping(present, "status").get("readyReplicas", 0) > 0


def _secret_of(operator: operators.Operator | None, obj: Object, held: controller.Cache) -> str:
    """Return the Secret of a server that others run; empty where it has none, or none yet."""
    if operator is None or "operator" not in obj["spec"]:
        return objects.mapping(obj, "spec", "external", "secretRef").get("name", "")
    found = held.get(operator.kind, operator.reference(obj), objects.namespace_of(obj))
    return operator.account(found).secret if found else ""


def _configuration(scope: Scope) -> Object | None:
    files = scope.site.page.files
    return manifests.config_map(scope.site.identity, files) if files else None


def _sources(scope: Scope, config: str) -> manifests.Sources:
    release: str = scope.pass_.object["spec"]["release"]
    credential = scope.site.page.credential
    secret = _held(scope, kinds.SECRET, scope.site.secret) if credential else None
    return manifests.Sources(
        image=catalog.reference(scope.site.page.image, release),
        config=config,
        secret=scope.site.secret,
        secret_items=credential.files if credential else (),
        secret_digest=accounts.digest(secret) if secret else "",
        storage=scope.site.builtin.get("storage", "") if scope.site.page.keeps_data else "",
        storage_class=scope.pass_.object["spec"].get("storageClassName", ""),
    )


def _held(scope: Scope, kind: Kind, name: str) -> Object | None:
    return scope.pass_.cache.get(kind, name, scope.site.identity.namespace)
