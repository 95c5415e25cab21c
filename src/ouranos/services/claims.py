"""How does a service get its databases and its queue? It claims them: `database`, `queue`."""

from __future__ import annotations

from ouranos.kit import conditions, kinds, objects, outcome
from ouranos.openstack import environment
from ouranos.services import labels, page, work


async def database(work_: work.Work) -> outcome.Outcome:
    """Every database of the service exists and lets it in."""
    total = outcome.DONE
    for claimed in work_.page.databases:
        present = await work_.pass_.apply(database_claim(work_.page, work_.scope, claimed))
        total |= _fulfilled(present, f"Database/{claimed.claim}")
    return total


async def queue(work_: work.Work) -> outcome.Outcome:
    """The service's virtual host exists and lets it in."""
    if not work_.page.queue:
        return outcome.DONE
    present = await work_.pass_.apply(vhost_claim(work_.page, work_.scope))
    return _fulfilled(present, f"Vhost/{work_.page.name}")


def database_claim(
    service: page.Service, scope: page.Scope, claimed: page.Database
) -> objects.Object:
    """The claim on one database."""
    return {
        "apiVersion": kinds.DATABASE.api_version,
        "kind": kinds.DATABASE.kind,
        "metadata": labels.metadata(service, scope, claimed.claim, "database"),
        "spec": {
            "mariadbRef": {"name": work.reference(scope, "mariadbRef", "mariadb")},
            "database": claimed.name,
            "secretRef": {"name": environment.secret_name(service.name, "database")},
        },
    }


def vhost_claim(service: page.Service, scope: page.Scope) -> objects.Object:
    """The claim on the virtual host, which has the service's name."""
    return {
        "apiVersion": kinds.VHOST.api_version,
        "kind": kinds.VHOST.kind,
        "metadata": labels.metadata(service, scope, service.name, "queue"),
        "spec": {
            "rabbitmqRef": {"name": work.reference(scope, "rabbitmqRef", "rabbitmq")},
            "vhost": service.name,
            "secretRef": {"name": environment.secret_name(service.name, "queue")},
        },
    }


def place(claim: objects.Object | None) -> environment.Address | None:
    """Where a claim was fulfilled, if it was."""
    status = objects.mapping(claim or {}, "status")
    if "host" not in status or "port" not in status:
        return None
    return environment.Address(status["host"], status["port"], status.get("tls", "Preferred"))


def _fulfilled(claim: objects.Object, title: str) -> outcome.Outcome:
    if conditions.is_current(claim, "Ready") and place(claim):
        return outcome.DONE
    ready = conditions.find(conditions.of(claim), "Ready")
    said = f": {ready['message']}" if ready and ready.get("message") else ""
    return outcome.wait(f"{title} to be Ready{said}")
