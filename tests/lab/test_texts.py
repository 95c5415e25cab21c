"""Do the components read what they must?"""

import json
import tomllib
from pathlib import Path

import yaml

from ouranos.lab import control, nodes, objects, processes, settings, texts

LAB = settings.Settings(Path("/state"), Path("/cache"), 2)


def test_a_node_reads_its_own_addresses() -> None:
    node = LAB.node(2)
    written = texts.node(LAB, node, "nameserver 192.0.2.53\n")
    assert written["resolv.conf"] == "nameserver 192.0.2.53\n"
    assert written["hostname"] == "node2\n"
    assert f"{node.address} node2" in written["hosts"]
    kubelet = yaml.safe_load(written["kubernetes/kubelet.yaml"])
    assert kubelet["clusterDNS"] == ["172.30.16.1"]
    assert kubelet["tlsCertFile"].endswith("/node2-server.crt")
    proxy = yaml.safe_load(written["kubernetes/kube-proxy.yaml"])
    assert (proxy["mode"], proxy["clusterCIDR"]) == ("nftables", "10.242.0.0/16")
    network = json.loads(written["cni/net.d/10-pods.conflist"])
    assert network["plugins"][0]["ipam"]["ranges"] == [[{"subnet": "10.242.2.0/24"}]]
    # Pods see each other's addresses.
    assert "ipMasq" not in network["plugins"][0]


def test_a_node_asks_the_lab_where_the_machine_asks_itself() -> None:
    found = "nameserver 127.0.0.53\nnameserver ::1\nnameserver 192.0.2.53\noptions edns0\n"
    assert texts.node(LAB, LAB.node(1), found)["resolv.conf"].splitlines() == [
        *[f"nameserver {LAB.host}"] * 2,
        *("nameserver 192.0.2.53", "options edns0"),
    ]


def test_containerd_knows_the_image_that_is_loaded() -> None:
    cri = tomllib.loads(texts.CONTAINERD)["plugins"]["io.containerd.grpc.v1.cri"]
    assert cri["sandbox_image"] == texts.PAUSE
    assert cri["restrict_oom_score_adj"] is True


def test_the_name_server_asks_others_only_where_there_are_some() -> None:
    assert "forward ." in texts.corefile(LAB, forwards=True)
    alone = texts.corefile(LAB, forwards=False)
    assert "forward" not in alone
    assert f"bind {LAB.host}" in alone
    # CoreDNS wants each closing brace on a line of its own.
    assert all(line.strip() == "}" for line in alone.splitlines() if "}" in line)


def test_what_leaves_the_lab_leaves_as_the_machine_and_nothing_else() -> None:
    table = texts.firewall(LAB)
    assert f"{LAB.nodes}, {LAB.pods}, {LAB.public}" in table
    assert f'oifname != "{LAB.name}"' in table
    assert table.count("masquerade") == 1


def test_only_the_api_server_listens_where_nodes_reach_it() -> None:
    every = (
        control.etcd(LAB),
        control.controller_manager(LAB),
        control.scheduler(LAB),
    )
    for component in every:
        for word in component.argv:
            if "listen" in word or "bind" in word:
                assert "127.30.16.1" in word, component.name
    assert "--bind-address=172.30.16.1" in control.api_server(LAB).argv


def test_every_component_is_in_a_cgroup_of_the_lab_and_is_stopped() -> None:
    plane: tuple[processes.Component, ...] = (
        control.etcd(LAB),
        control.api_server(LAB),
        control.controller_manager(LAB),
        control.scheduler(LAB),
        control.dns(LAB),
        control.providers(LAB, "/usr/bin/python3"),
    )
    assert {one.name for one in plane} == set(control.NAMES)
    assert all(one.group == "ouranos-k8s2/control-plane" for one in plane)
    inside = nodes.components(LAB, LAB.node(1), None)
    assert [one.name for one in inside] == ["node1-containerd", "node1-kubelet", "node1-kube-proxy"]
    assert all(one.group == "ouranos-k8s2/node1" for one in inside)


def test_the_class_of_volumes_is_the_default_and_who_works_may_do_little() -> None:
    given = {(one["kind"], one["metadata"]["name"]): one for one in objects.given()}
    found = given["StorageClass", "local"]
    assert found["provisioner"] == objects.PROVISIONER
    assert "storageclass.kubernetes.io/is-default-class" in found["metadata"]["annotations"]
    for user in ("system:coredns", "lab-providers"):
        rules = given["ClusterRole", user]["rules"]
        assert not any("*" in rule["verbs"] + rule["resources"] for rule in rules)
        assert given["ClusterRoleBinding", user]["subjects"][0]["name"] == user
