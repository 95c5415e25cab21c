"""What do the components of a lab read? Pure: settings in, configuration files out."""

import json
import re
from typing import Any, Final

import yaml

from ouranos.lab.settings import Node, Settings

PAUSE: Final = "ouranos.cloud/pause:lab"
FOLDER: Final = "/etc/kubernetes"
"""Where a node finds what is written here."""
VOLUMES: Final = "/var/volumes"
"""Where a node finds the folders of persistent volumes."""
_LOOPBACK: Final = re.compile(r"^nameserver\s+(127\.|::1\b).*$", re.MULTILINE)
"""A name server that a node cannot reach, and the lab's can."""


def node(settings: Settings, one: Node, resolver: str) -> dict[str, str]:
    """Return the files of a node's /etc, by their path below it."""
    return {
        "hostname": f"{one.name}\n",
        "hosts": f"127.0.0.1 localhost\n{one.address} {one.name}\n",
        "resolv.conf": _LOOPBACK.sub(f"nameserver {settings.host}", resolver),
        "containerd/config.toml": CONTAINERD,
        "cni/net.d/10-pods.conflist": json.dumps(network(one)),
        "kubernetes/kubelet.yaml": yaml.safe_dump(kubelet(settings, one)),
        "kubernetes/kube-proxy.yaml": yaml.safe_dump(kube_proxy(settings, one)),
    }


CONTAINERD: Final = f"""\
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
oom_score = 0
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/etc/cni/net.d"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
"""


def network(one: Node) -> dict[str, Any]:
    """Return the pods' network on a node; addresses are not translated between pods."""
    pods = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "dataDir": "/run/cni",
            "ranges": [[{"subnet": str(one.pods)}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "1.0.0", "name": "pods", "plugins": [pods, ports]}


def kubelet(settings: Settings, one: Node) -> dict[str, Any]:
    """Return a kubelet's configuration."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "clusterDNS": [str(settings.host)],
        "clusterDomain": "cluster.local",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{FOLDER}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{FOLDER}/{one.name}-server.crt",
        "tlsPrivateKeyFile": f"{FOLDER}/{one.name}-server.key",
        "failSwapOn": False,
        "resolvConf": "/etc/resolv.conf",
        "volumePluginDir": "/var/lib/kubelet/plugins-exec",
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "imagefs.available": "1%",
        },
        "imageGCHighThresholdPercent": 100,
        # Nothing may be made less likely to be killed than what started us.
        "oomScoreAdj": 0,
    }


def kube_proxy(settings: Settings, one: Node) -> dict[str, Any]:
    """Return a kube-proxy's configuration."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": f"{FOLDER}/{one.name}-proxy.kubeconfig"},
        "clusterCIDR": str(settings.pods),
        "oomScoreAdj": 0,
        "conntrack": {"maxPerCore": 0, "min": 0},
    }


def corefile(settings: Settings, *, forwards: bool) -> str:
    """Return what CoreDNS does; it asks others where this machine knows whom to ask."""
    upstream = "    forward . /etc/resolv.conf\n" if forwards else ""
    return f"""\
.:53 {{
    bind {settings.host}
    errors
    ready {settings.local}:8181
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
        kubeconfig {settings.authority}/coredns.kubeconfig
        pods insecure
        ttl 5
    }}
{upstream}    cache 5
    loadbalance
}}
"""


def firewall(settings: Settings) -> str:
    """Return the host's table: what nodes, pods and guests send to the world leaves as ours."""
    sources = ", ".join(map(str, (settings.nodes, settings.pods, settings.public)))
    return f"""\
table ip {settings.name} {{}}
delete table ip {settings.name}
table ip {settings.name} {{
  chain world {{
    type nat hook postrouting priority srcnat;
    ip saddr {{ {sources} }} oifname != "{settings.name}" oifname != "lo" masquerade
  }}
}}
"""
