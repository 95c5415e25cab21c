"""Which controllers make objects of Kubernetes' own kinds true? The list that a world runs."""

from ouranos.engine.workloads import (
    cron_job,
    daemon_set,
    deployment,
    disruption,
    job,
    node_lifecycle,
    pod_collector,
    replica_set,
    scheduler,
    service,
    stateful_set,
    volume_claim,
)
from ouranos.kit import controller


def controllers() -> list[controller.Controller]:
    """Return every workload controller, each with a memory of its own."""
    return [
        deployment.CONTROLLER,
        replica_set.CONTROLLER,
        stateful_set.CONTROLLER,
        daemon_set.CONTROLLER,
        job.CONTROLLER,
        cron_job.CONTROLLER,
        service.CONTROLLER,
        volume_claim.CONTROLLER,
        disruption.CONTROLLER,
        scheduler.CONTROLLER,
        node_lifecycle.new(),
        pod_collector.new(),
    ]
