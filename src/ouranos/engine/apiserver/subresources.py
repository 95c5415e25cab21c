"""What is below an object besides status? Scale, eviction, binding, logs; and who may what."""

from typing import cast

from ouranos.engine.apiserver import body, exchange, failure, fields, patching, podlogs, selectors
from ouranos.engine.apiserver.deleting import Options
from ouranos.engine.apiserver.exchange import Request, Response
from ouranos.engine.apiserver.parts import Parts
from ouranos.engine.apiserver.records import Record
from ouranos.engine.apiserver.resources import Resource, Scale
from ouranos.engine.apiserver.route import Route
from ouranos.engine.apiserver.target import Target
from ouranos.kit import kinds
from ouranos.kit.objects import Key, Object

_UNDONE = frozenset(
    {"exec", "attach", "portforward", "proxy", "ephemeralcontainers", "resize", "token"}
)
_BUDGETS = kinds.POD_DISRUPTION_BUDGET.qualified


class Subresources:
    """Answers for what is below objects."""

    def __init__(self, parts: Parts) -> None:
        """Answer with the given parts."""
        self._parts = parts

    async def answer(self, request: Request, path: Route, resource: Resource) -> Response:
        """Answer a request for a subresource.

        Raises:
            failure.Failure: there is none of that name, or it refuses.
        """
        if path.subresource in _UNDONE:
            raise failure.not_implemented(f"{resource.name}/{path.subresource}")
        if path.subresource not in resource.subresources:
            raise failure.no_such_path()
        record = self._parts.store.latest(resource.storage, Key(path.namespace, path.name))
        if record is None:
            raise failure.not_found(resource.name, path.name)
        match path.subresource, request.method:
            case "scale", "GET" | "PUT" | "PATCH":
                return await self._scale(request, path, resource, record)
            case "eviction", "POST":
                return await self._evict(request, resource, record)
            case "binding", "POST":
                return await self._bind(request, path, resource, record)
            case "log", "GET":
                pod = resource.decode(record)
                source = self._parts.pod_logs
                return await podlogs.answer(source, request, pod, self._parts.now())
            case _:
                raise failure.method_not_allowed()

    # Scale.

    async def _scale(
        self, request: Request, path: Route, resource: Resource, record: Record
    ) -> Response:
        where = resource.scale or Scale()
        obj = resource.decode(record)
        shown = _scale_of(obj, where)
        if request.method == "GET":
            return exchange.answer(shown)
        given = body.decoded(request)
        if request.method == "PATCH":
            given = patching.patched(shown, request.content_type, given, None)
        wanted = fields.at(cast("Object", given), "spec", "replicas")
        version = fields.at(cast("Object", given), "metadata", "resourceVersion")
        if not isinstance(wanted, int) or wanted < 0:
            raise failure.bad_request("spec.replicas: must be a number greater than or equal to 0")
        if version and version != str(record.version):
            raise failure.modified(resource.name, path.name)
        fields.put(obj, where.spec_replicas, wanted)
        target = Target(
            resource,
            path.namespace,
            path.name,
            "scale",
            exchange.manager_of(request),
            exchange.is_dry(request),
        )
        changed = await self._parts.writer.update(target, obj, record)
        return exchange.answer(_scale_of(cast("Object", exchange.decode(changed)), where))

    # Pods.

    async def _evict(self, request: Request, resource: Resource, record: Record) -> Response:
        eviction = body.decoded_object(request)
        asked: Object = eviction.get("deleteOptions") or {}
        dry = exchange.is_dry(request) or bool(asked.get("dryRun"))
        phase = record.fields.get("status.phase", "")
        if phase not in {"Succeeded", "Failed", "Pending"} and not record.deleting:
            await self._take_disruption(record, dry=dry)
        options = Options(
            grace=asked.get("gracePeriodSeconds"),
            uid=fields.text(asked, "preconditions", "uid"),
            dry_run=dry,
        )
        current = self._parts.store.latest(resource.storage, record.key)
        if current is not None:
            target = Target(resource, *record.key)
            await self._parts.deleter.delete(target, current, options)
        success: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
        }
        return exchange.answer(success, 201)

    async def _take_disruption(self, pod: Record, *, dry: bool) -> None:
        """Use up one of the disruptions that the pod's budget allows.

        Raises:
            failure.Failure: the budget allows none.
        """
        budgets = self._parts.registry.stored(_BUDGETS)
        if budgets is None:
            return
        for record in list(self._parts.store.objects(_BUDGETS).values()):
            if record.key.namespace != pod.key.namespace:
                continue
            budget = budgets.decode(record)
            if not selectors.label_object(budget["spec"].get("selector"))(pod.labels):
                continue
            status: Object = budget.setdefault("status", {})
            allowed: int = status.get("disruptionsAllowed", 0)
            observed = status.get("observedGeneration", 0) >= budget["metadata"].get(
                "generation", 0
            )
            if allowed < 1 or not observed:
                raise _too_disruptive(record.key.name, status)
            status["disruptionsAllowed"] = allowed - 1
            disrupted = fields.part(status, "disruptedPods")
            status["disruptedPods"] = {**disrupted, pod.key.name: self._parts.writer.time()}
            target = Target(budgets, *record.key, subresource="status", dry_run=dry)
            await self._parts.writer.update(target, budget, record)

    async def _bind(
        self, request: Request, path: Route, resource: Resource, record: Record
    ) -> Response:
        node = fields.at(body.decoded_object(request), "target", "name")
        pod = resource.decode(record)
        if not isinstance(node, str) or not node:
            raise failure.bad_request("target.name: Required value")
        if bound := pod["spec"].get("nodeName"):
            why = f'pod {path.name} is already assigned to node "{bound}"'
            raise failure.conflict("pods/binding", path.name, why)
        if record.deleting:
            why = f"pod {path.name} is being deleted, cannot be assigned to a host"
            raise failure.conflict("pods/binding", path.name, why)
        pod["spec"]["nodeName"] = node
        status: Object = pod.setdefault("status", {})
        conditions: list[Object] = status.get("conditions") or []
        time = self._parts.writer.time()
        scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": time}
        others = [each for each in conditions if each["type"] != "PodScheduled"]
        status["conditions"] = [*others, scheduled]
        if not exchange.is_dry(request):
            await self._parts.writer.mark(resource, pod)
        success: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
        }
        return exchange.answer(success, 201)

    # Questions about access.

    def review(self, request: Request, path: Route) -> Response | None:
        """Answer who the caller is and what they may do: they are the administrator."""
        place = (path.group, path.plural)
        if place not in _REVIEWS or path.name:
            return None
        if request.method != "POST":
            raise failure.method_not_allowed()
        kind, status = _REVIEWS[place]
        given = body.decoded_object(request)
        shown = status(request.user)
        reviewed = {"kind": kind, "apiVersion": f"{path.group}/{path.version}"}
        reviewed |= {"metadata": given.get("metadata") or {}, "spec": given.get("spec") or {}}
        return exchange.answer({**reviewed, "status": shown}, 201)


def _allowed(_: str) -> Object:
    return {"allowed": True, "reason": "the token of the embedded API is the administrator's"}


def _rules(_: str) -> Object:
    everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
    return {
        "resourceRules": [everything],
        "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
        "incomplete": False,
    }


def _self(user: str) -> Object:
    return {"userInfo": {"username": user, "groups": ["system:masters", "system:authenticated"]}}


_REVIEWS = {
    ("authorization.k8s.io", "selfsubjectaccessreviews"): ("SelfSubjectAccessReview", _allowed),
    ("authorization.k8s.io", "selfsubjectrulesreviews"): ("SelfSubjectRulesReview", _rules),
    ("authentication.k8s.io", "selfsubjectreviews"): ("SelfSubjectReview", _self),
}


def _scale_of(obj: Object, where: Scale) -> Object:
    metadata: Object = obj["metadata"]
    status: Object = {"replicas": fields.at(obj, *where.status_replicas) or 0}
    selector = fields.at(obj, *where.selector) if where.selector else None
    if isinstance(selector, dict):
        status["selector"] = selectors.text_of(cast("Object", selector))
    elif selector:
        status["selector"] = selector
    shown = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: metadata[name] for name in shown if name in metadata},
        "spec": {"replicas": fields.at(obj, *where.spec_replicas) or 0},
        "status": status,
    }


def _too_disruptive(name: str, status: Object) -> failure.Failure:
    needed, healthy = status.get("desiredHealthy", 0), status.get("currentHealthy", 0)
    message = (
        f"The disruption budget {name} needs {needed} healthy pods and has {healthy} currently"
    )
    return failure.too_many_requests(
        "Cannot evict pod as it would violate the pod's disruption budget.",
        [{"reason": "DisruptionBudget", "message": message}],
    )
