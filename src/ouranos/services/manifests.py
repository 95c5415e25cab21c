"""Which objects of Kubernetes is a service? Pure: a page and a few facts in, objects out."""

from __future__ import annotations

from collections.abc import Iterator

from ouranos.kit import objects
from ouranos.services import labels, page, pods

HISTORY = 2
JOB_RETRIES = 6
JOB_SECONDS = 1800


def workloads(service: page.Service, scope: page.Scope, facts: pods.Facts) -> list[objects.Object]:
    """One workload for each component, in the order of the page."""
    return [workload(service, scope, facts, component) for component in service.components]


def workload(
    service: page.Service, scope: page.Scope, facts: pods.Facts, component: page.Component
) -> objects.Object:
    """The object that keeps a component running."""
    template = pods.template(service, scope, facts, pods.of_component(component, scope))
    metadata = labels.metadata(service, scope, name_of(service, component), component.name)
    if component.shape is page.Shape.PERIODIC:
        for container in template["spec"]["containers"]:
            # A run that ends has nothing to be ready for.
            container.pop("startupProbe", None)
            container.pop("readinessProbe", None)
        return _cron_job(metadata, component, template)
    selector = {"matchLabels": labels.selector(service, component.name)}
    spec: objects.Object = {
        "selector": selector,
        "template": template,
        "revisionHistoryLimit": HISTORY,
    }
    if component.shape is page.Shape.PER_NODE:
        del template["spec"]["affinity"], template["spec"]["topologySpreadConstraints"]
        template["spec"]["nodeSelector"] = {component.node_label: ""}
        return {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": metadata, "spec": spec}
    spec |= {"replicas": replicas(component, scope), "strategy": _strategy(component)}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def name_of(service: page.Service, component: page.Component) -> str:
    """The name of a component's workload: `nova-conductor`."""
    return f"{service.name}-{component.name}"


def replicas(component: page.Component, scope: page.Scope) -> int:
    """How many pods a component of a Deployment has."""
    return scope.replicas if component.shape is page.Shape.SCALABLE else min(scope.replicas, 1)


def _strategy(component: page.Component) -> objects.Object:
    if component.shape is page.Shape.SINGLE:
        return {"type": "Recreate"}
    # Listeners share their port with the next generation; others would do their work twice.
    surge = (
        {"maxSurge": 1, "maxUnavailable": 0}
        if component.listener
        else {
            "maxSurge": 0,
            "maxUnavailable": 1,
        }
    )
    return {"type": "RollingUpdate", "rollingUpdate": surge}


def _cron_job(
    metadata: objects.Object, component: page.Component, template: objects.Object
) -> objects.Object:
    template["spec"]["restartPolicy"] = "OnFailure"
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": metadata,
        "spec": {
            "schedule": component.schedule,
            "concurrencyPolicy": "Forbid",
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 1,
            "jobTemplate": {"spec": {"backoffLimit": 1, "template": template}},
        },
    }


def services(service: page.Service, scope: page.Scope) -> Iterator[objects.Object]:
    """The Kubernetes Services in front of the components that listen."""
    for component in service.components:
        listener = component.listener
        if listener is None:
            continue
        port = {"name": "http", "port": listener.port, "targetPort": "http", "protocol": "TCP"}
        yield {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": labels.metadata(service, scope, listener.service, component.name),
            "spec": {
                "type": "LoadBalancer" if listener.public else "ClusterIP",
                "selector": labels.selector(service, component.name),
                "ports": [port],
            },
        }


def storage(service: page.Service, scope: page.Scope) -> Iterator[objects.Object]:
    """The PersistentVolumeClaims of all components, each once."""
    seen: set[str] = set()
    for component in service.components:
        for volume in component.volumes(scope):
            if isinstance(volume, page.Storage) and volume.claim not in seen:
                seen.add(volume.claim)
                mode = "ReadWriteMany" if volume.shared else "ReadWriteOnce"
                named = scope.spec.get("storageClassName")
                yield {
                    "apiVersion": "v1",
                    "kind": "PersistentVolumeClaim",
                    "metadata": labels.metadata(service, scope, volume.claim, component.name),
                    "spec": {
                        "accessModes": [mode],
                        "resources": {"requests": {"storage": volume.size}},
                        **({"storageClassName": named} if named else {}),
                    },
                }


def budgets(service: page.Service, scope: page.Scope) -> Iterator[objects.Object]:
    """One PodDisruptionBudget for each component that runs more than once."""
    for component in service.components:
        if component.shape is page.Shape.SCALABLE and scope.replicas > 1:
            name = name_of(service, component)
            yield {
                "apiVersion": "policy/v1",
                "kind": "PodDisruptionBudget",
                "metadata": labels.metadata(service, scope, name, component.name),
                "spec": {
                    "maxUnavailable": 1,
                    "selector": {"matchLabels": labels.selector(service, component.name)},
                },
            }


def schema_job(
    service: page.Service, scope: page.Scope, facts: pods.Facts, schema: page.Schema
) -> objects.Object:
    """The Job that initialises the databases, named after what makes a new run necessary."""
    process = pods.Process(
        name="schema",
        command=schema.initialise,
        options=schema.options,
        credentials=schema.credentials,
        volumes=schema.volumes(scope),
    )
    template = pods.template(service, scope, facts, process)
    template["spec"]["restartPolicy"] = "OnFailure"
    container = template["spec"]["containers"][0]
    inputs = [container["image"], container["command"], container["env"]]
    reasons = {
        "inputs": objects.digest(inputs).hex(),
        "secrets": template["metadata"].get("annotations", {}).get(pods.READS, ""),
        "databases": " ".join(facts.made),
    }
    name = objects.content_name(f"{service.name}-schema", reasons)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": labels.metadata(service, scope, name, "schema"),
        "spec": {
            "backoffLimit": JOB_RETRIES,
            "activeDeadlineSeconds": JOB_SECONDS,
            "template": template,
        },
    }
