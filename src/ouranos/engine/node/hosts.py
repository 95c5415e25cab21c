"""Under which names does a container find Services? Pure text; there is no DNS server in solo."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from ouranos.kit import objects

_DOMAIN = "cluster.local"


def text(
    pod: objects.Object,
    host_name: str,
    address: str,
    services: Iterable[objects.Object],
    slices: Iterable[objects.Object],
) -> str:
    """Return a pod's /etc/hosts."""
    namespace: str = pod["metadata"].get("namespace") or ""
    lines = [
        "# Kubernetes-managed hosts file.",
        "127.0.0.1\tlocalhost",
        "::1\tlocalhost ip6-localhost ip6-loopback",
        f"{address}\t{' '.join(_own_names(pod, host_name, namespace))}",
    ]
    for service in sorted(services, key=objects.key_of):
        lines += _service(service, namespace)
    for one in sorted(slices, key=objects.key_of):
        lines += _endpoints(one, namespace)
    for alias in objects.entries(pod, "spec", "hostAliases"):
        lines.append(f"{alias['ip']}\t{' '.join(alias.get('hostnames') or ())}")
    return "\n".join(lines) + "\n"


def _own_names(pod: objects.Object, host_name: str, namespace: str) -> list[str]:
    subdomain = pod["spec"].get("subdomain")
    if not subdomain:
        return [host_name]
    return [f"{host_name}.{subdomain}.{namespace}.svc.{_DOMAIN}", host_name]


def _names(name: str, namespace: str, ours: str) -> str:
    names = [f"{name}.{namespace}", f"{name}.{namespace}.svc", f"{name}.{namespace}.svc.{_DOMAIN}"]
    return " ".join([name, *names] if namespace == ours else names)


def _service(service: objects.Object, ours: str) -> Iterator[str]:
    name, namespace = service["metadata"]["name"], service["metadata"].get("namespace") or ""
    address = service["spec"].get("clusterIP")
    if address and address != "None":
        yield f"{address}\t{_names(name, namespace, ours)}"


def _endpoints(one: objects.Object, ours: str) -> Iterator[str]:
    """A named endpoint of a headless Service (a StatefulSet's pod) has a name of its own."""
    service = objects.labels_of(one).get("kubernetes.io/service-name")
    namespace = one["metadata"].get("namespace") or ""
    for endpoint in objects.entries(one, "endpoints"):
        host_name, addresses = endpoint.get("hostname"), endpoint.get("addresses") or ()
        if service and host_name and addresses:
            yield f"{addresses[0]}\t{_names(f'{host_name}.{service}', namespace, ours)}"


def resolver(pod: objects.Object) -> str:
    """Return a pod's /etc/resolv.conf: only what the pod itself asks for."""
    told: objects.Object = objects.mapping(pod, "spec", "dnsConfig")
    lines = [f"nameserver {server}" for server in objects.entries(told, "nameservers")]
    if told.get("searches"):
        lines.append("search " + " ".join(told["searches"]))
    options = [
        one["name"] + (f":{one['value']}" if one.get("value") else "")
        for one in objects.entries(told, "options")
    ]
    lines.append("options " + " ".join(options or ["timeout:1", "attempts:1"]))
    return "\n".join(lines) + "\n"


def host_name(pod: objects.Object, node: str) -> str:
    """Return the name that a pod's containers have."""
    spec = pod["spec"]
    if spec.get("hostNetwork"):
        return node
    return (spec.get("hostname") or pod["metadata"]["name"])[:63].rstrip("-.")


def write(path: Path, content: str) -> bool:
    """Change a file that containers have mounted.

    In place, since a mount follows the file, not the name.
    """
    encoded = content.encode()
    if path.exists() and path.read_bytes() == encoded:
        return False
    with path.open("r+b" if path.exists() else "wb") as file:
        file.write(encoded)
        file.truncate()
    path.chmod(0o644)
    return True
