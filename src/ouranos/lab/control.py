"""Which processes are a lab's control plane, and how are they started?"""

from typing import Final

from ouranos.lab.processes import Component
from ouranos.lab.settings import Settings

API_SERVER: Final = "kube-apiserver"
ETCD: Final = "etcd"
DNS: Final = "coredns"
PROVIDERS: Final = "providers"
READY_PORT: Final = 8181
"""Where the name server says whether it is ready."""


def group(settings: Settings) -> str:
    """Return the cgroup of the control plane."""
    return f"{settings.name}/control-plane"


def etcd(settings: Settings) -> Component:
    """Return etcd; only this machine reaches it."""
    client, peer = f"http://{settings.local}:2379", f"http://{settings.local}:2380"
    return Component(
        ETCD,
        (
            f"{settings.bin}/etcd",
            "--name=lab",
            f"--data-dir={settings.folder}/etcd",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=lab={peer}",
            "--unsafe-no-fsync",
        ),
        group(settings),
    )


def api_server(settings: Settings) -> Component:
    """Return kube-apiserver, with the admission plugins that it has by default."""
    pki = settings.authority
    return Component(
        API_SERVER,
        (
            f"{settings.bin}/hyperkube",
            API_SERVER,
            f"--etcd-servers=http://{settings.local}:2379",
            f"--bind-address={settings.host}",
            "--secure-port=6443",
            f"--advertise-address={settings.host}",
            f"--client-ca-file={pki}/ca.crt",
            f"--tls-cert-file={pki}/apiserver.crt",
            f"--tls-private-key-file={pki}/apiserver.key",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={pki}/sa.pub",
            f"--service-account-signing-key-file={pki}/sa.key",
            f"--service-cluster-ip-range={settings.services}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            f"--kubelet-client-certificate={pki}/kubelet-client.crt",
            f"--kubelet-client-key={pki}/kubelet-client.key",
            f"--kubelet-certificate-authority={pki}/ca.crt",
            "--kubelet-preferred-address-types=InternalIP",
            f"--requestheader-client-ca-file={pki}/ca.crt",
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-username-headers=X-Remote-User",
            f"--proxy-client-cert-file={pki}/front-proxy.crt",
            f"--proxy-client-key-file={pki}/front-proxy.key",
        ),
        group(settings),
    )


def controller_manager(settings: Settings) -> Component:
    """Return kube-controller-manager; it ends when it starts before the API server is ready."""
    pki = settings.authority
    return Component(
        "kube-controller-manager",
        (
            f"{settings.bin}/hyperkube",
            "kube-controller-manager",
            *_as(settings, "controller-manager"),
            "--kube-api-qps=300",
            "--kube-api-burst=500",
            f"--service-account-private-key-file={pki}/sa.key",
            f"--root-ca-file={pki}/ca.crt",
            "--use-service-account-credentials=true",
            f"--cluster-signing-cert-file={pki}/ca.crt",
            f"--cluster-signing-key-file={pki}/ca.key",
            f"--cluster-cidr={settings.pods}",
            # A node's pods are where its number says: the network is made before the Node is.
            "--allocate-node-cidrs=false",
            f"--service-cluster-ip-range={settings.services}",
            "--node-monitor-grace-period=40s",
        ),
        group(settings),
    )


def scheduler(settings: Settings) -> Component:
    """Return kube-scheduler."""
    return Component(
        "kube-scheduler",
        (f"{settings.bin}/hyperkube", "kube-scheduler", *_as(settings, "scheduler")),
        group(settings),
    )


def _as(settings: Settings, name: str) -> tuple[str, ...]:
    file = f"{settings.authority}/{name}.kubeconfig"
    return (
        f"--kubeconfig={file}",
        f"--authentication-kubeconfig={file}",
        f"--authorization-kubeconfig={file}",
        f"--bind-address={settings.local}",
        "--leader-elect=false",
    )


def dns(settings: Settings) -> Component:
    """Return CoreDNS."""
    argv = (f"{settings.bin}/coredns", "-conf", f"{settings.folder}/Corefile")
    return Component(DNS, argv, group(settings))


def providers(settings: Settings, python: str) -> Component:
    """Return what gives volumes and addresses, run by this Python."""
    argv = (
        *(python, "-m", "ouranos.lab.providers"),
        *(f"--kubeconfig={settings.authority}/providers.kubeconfig",),
        *(f"--volumes={settings.volumes}", f"--addresses={settings.balancers}"),
    )
    return Component(PROVIDERS, argv, group(settings))


NAMES: Final = (*(PROVIDERS, DNS, "kube-scheduler", "kube-controller-manager", API_SERVER, ETCD),)
"""The components, in the order in which they are stopped."""
