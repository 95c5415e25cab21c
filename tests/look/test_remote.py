"""A cloud in a cluster is found by its kubeconfig, and tells how it is."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ouranos import services
from ouranos.kit import cluster, conditions, errors, kinds, kubeconfig, objects
from ouranos.look import credentials, place, remote

pytestmark = pytest.mark.virtual_time
ASKED = remote.Asked(Path("k"))


@pytest.fixture
async def installed(source: cluster.Cluster) -> cluster.Cluster:
    for definition in services.definitions():
        await source.apply(definition)
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": remote.SYSTEM}}
    await source.apply(namespace)
    return source


async def cloud(source: cluster.Cluster, name: str = "home", namespace: str = "home") -> None:
    await source.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    metadata = {"name": name, "namespace": namespace}
    spec = {"release": "2026.2", "region": "Düdingen Test", "services": {"keystone": {}}}
    await source.create(
        {
            "apiVersion": "ouranos.cloud/v1alpha1",
            "kind": "Cloud",
            "metadata": metadata,
            "spec": spec,
        }
    )


async def says(source: cluster.Cluster, ready: str, message: str) -> None:
    """Let the Cloud say how it is."""
    found = await source.get(kinds.CLOUD, "home", "home")
    assert found is not None
    now = conditions.timestamp(datetime.now(UTC))
    told = [
        {"type": "Ready", "status": ready, "reason": "Waiting", "message": message},
        {"type": "Progressing", "status": "True", "reason": "Waiting", "message": message},
    ]
    status = {
        "observedGeneration": found["metadata"]["generation"],
        "conditions": [{**each, "lastTransitionTime": now} for each in told],
    }
    await source.replace_status({**found, "status": status})


async def lease(
    source: cluster.Cluster,
    ago: float,
    holder: str = "controllers-1",
    system: str = remote.SYSTEM,
) -> None:
    renewed = conditions.micro_timestamp(datetime.now(UTC) - timedelta(seconds=ago))
    await source.apply(
        {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": remote.LEASE, "namespace": system},
            "spec": {"holderIdentity": holder, "renewTime": renewed},
        }
    )


def home(source: cluster.Cluster) -> remote.Remote:
    return remote.Remote(source, "home", "home", ASKED)


async def refused(source: cluster.Cluster, **asked: str) -> tuple[str, str]:
    with pytest.raises(place.RefusedError) as caught:
        await remote.choose(source, remote.Asked(Path("k"), **asked))
    return caught.value.message, caught.value.hint


async def test_a_cluster_without_ouranos_says_so(source: cluster.Cluster) -> None:
    assert await refused(source) == (
        "Ouranos is not installed in this cluster: it knows no Clouds",
        "ouranos install --kubeconfig k",
    )


def test_what_a_hint_commands_is_done_in_the_cluster_that_was_named() -> None:
    asked = remote.Asked(Path("k"), context="staging")
    with pytest.raises(place.RefusedError) as caught, remote.explained(asked):
        raise place.RefusedError("there is no Cloud", "make one: kubectl apply")
    assert caught.value.hint == "make one: kubectl --kubeconfig k --context staging apply"


async def test_the_only_cloud_needs_no_name(installed: cluster.Cluster) -> None:
    message, hint = await refused(installed)
    assert message == "there is no Cloud in this cluster"
    assert hint == "make one: kubectl apply --filename cloud.yaml"
    await cloud(installed)
    assert await remote.choose(installed, ASKED) == ("home", "home")


async def test_of_several_clouds_one_is_named(installed: cluster.Cluster) -> None:
    await cloud(installed)
    await cloud(installed, "home", "other")
    await cloud(installed, "work", "third")
    message, hint = await refused(installed, cloud="home")
    assert message == "there are several Clouds in this cluster: home/home, other/home"
    assert hint == "name one: --namespace home --cloud home"
    found = await remote.choose(installed, remote.Asked(Path("k"), namespace="other"))
    assert found == ("home", "other")
    found = await remote.choose(installed, remote.Asked(Path("k"), cloud="work"))
    assert found == ("work", "third")
    message, hint = await refused(installed, cloud="play")
    assert message == "there is no Cloud 'play' in this cluster"
    assert hint == "there is: home/home, other/home, third/work"
    message, _ = await refused(installed, namespace="fourth")
    assert message == "there is no Cloud in the namespace fourth"


async def test_a_cloud_that_is_looked_after_says_itself_how_it_is(
    installed: cluster.Cluster,
) -> None:
    await cloud(installed)
    await lease(installed, ago=1)
    await says(installed, "True", "Everything is as described")
    _, now = await home(installed).look()
    assert (now.ready, now.told, now.hint) == (True, "Everything is as described", "")


async def test_what_waits_for_a_pod_is_told_with_the_pods_trouble(
    installed: cluster.Cluster,
) -> None:
    await cloud(installed)
    await lease(installed, ago=1)
    await says(installed, "False", "MariaDB/mariadb: its pod is not ready")
    spec = {"containers": [{"name": "server", "image": "x"}]}
    made = await installed.create(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "mariadb-0", "namespace": "home"},
            "spec": spec,
        }
    )
    scheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    said = {**scheduled, "message": "0/1 nodes are available: 1 Insufficient memory"}
    await installed.replace_status({**made, "status": {"conditions": [said]}})
    _, now = await home(installed).look()
    assert not now.ready
    assert now.told == (
        "MariaDB/mariadb: its pod is not ready; no node takes the pod mariadb-0: "
        "0/1 nodes are available: 1 Insufficient memory"
    )
    assert now.hint.startswith("give the cluster a larger node")
    assert "kubectl --kubeconfig k describe nodes" in now.hint


@pytest.mark.parametrize("word", ["True", "False"])
async def test_nobody_looks_after_a_cloud_whose_lease_is_old(
    installed: cluster.Cluster, word: str
) -> None:
    await cloud(installed)
    await says(installed, word, "what was true once")
    await lease(installed, ago=310)
    _, now = await home(installed).look()
    assert not now.ready
    assert now.told.startswith(
        "nobody looks after this cloud: the Lease ouranos-system/ouranos-controllers "
        "was last renewed 5m1"
    )
    assert now.hint == "ouranos install --kubeconfig k"


async def test_controllers_that_were_stopped_hold_no_lease(installed: cluster.Cluster) -> None:
    await cloud(installed)
    told = (
        "nobody looks after this cloud: nobody holds the Lease ouranos-system/ouranos-controllers"
    )
    for prepare in (asyncio.sleep(0), lease(installed, ago=1, holder="")):
        await prepare
        _, now = await home(installed).look()
        assert now.told == told


async def test_controllers_that_cannot_start_are_told_with_what_keeps_them(
    installed: cluster.Cluster,
) -> None:
    await cloud(installed)
    metadata = {
        "name": "ouranos-controllers-1",
        "namespace": remote.SYSTEM,
        "labels": {"app.kubernetes.io/name": "ouranos-controllers"},
    }
    spec = {"nodeName": "node1", "containers": [{"name": "controllers", "image": "reg/c:1"}]}
    made = await installed.create(
        {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    )
    _, now = await home(installed).look()
    assert now.hint == "ouranos logs --kubeconfig k controllers"
    waiting = {"reason": "ImagePullBackOff", "message": "no such host"}
    status = {"name": "controllers", "image": "reg/c:1", "imageID": "", "ready": False}
    status |= {"restartCount": 0, "state": {"waiting": waiting}}
    await installed.replace_status({**made, "status": {"containerStatuses": [status]}})
    _, now = await home(installed).look()
    assert now.told.endswith(
        "; node1 cannot get the image reg/c:1 of pod ouranos-controllers-1: no such host"
    )
    assert "ouranos images push REGISTRY" in now.hint


async def test_a_clock_that_is_wrong_hides_no_living_controllers(
    installed: cluster.Cluster,
) -> None:
    """Whoever renews while we listen is alive, whatever the two clocks say."""
    await cloud(installed)
    await says(installed, "True", "Everything is as described")
    await lease(installed, ago=-500)

    async def renew() -> None:
        await asyncio.sleep(2)
        await lease(installed, ago=-502)

    renewing = asyncio.create_task(renew())
    _, now = await home(installed).look()
    await renewing
    assert now.ready


async def test_a_cloud_that_was_deleted_is_said(installed: cluster.Cluster) -> None:
    with pytest.raises(place.RefusedError, match="the Cloud home/home has been deleted"):
        await home(installed).look()


async def test_the_administrator_is_known_by_the_clouds_objects(
    installed: cluster.Cluster,
) -> None:
    await cloud(installed)
    with pytest.raises(place.RefusedError, match="the administrator of home is not known yet"):
        await home(installed).environment()
    metadata = {"name": credentials.ADMIN_SECRET, "namespace": "home"}
    data = {"username": "admin", "password": "s3cret"}
    encoded = {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}
    await installed.create(
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": encoded}
    )
    spec = {"type": "LoadBalancer", "ports": [{"port": 5000}]}
    made = await installed.create(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "keystone", "namespace": "home"},
            "spec": spec,
        }
    )
    ingress = [{"hostname": "lb.example"}]
    await installed.replace_status({**made, "status": {"loadBalancer": {"ingress": ingress}}})
    assert await home(installed).environment() == {
        "OS_AUTH_URL": "http://lb.example:5000/v3",
        "OS_USERNAME": "admin",
        "OS_PASSWORD": "s3cret",
        "OS_PROJECT_NAME": "admin",
        "OS_USER_DOMAIN_ID": "default",
        "OS_PROJECT_DOMAIN_ID": "default",
        "OS_REGION_NAME": "Düdingen Test",
        "OS_INTERFACE": "public",
        "OS_IDENTITY_API_VERSION": "3",
    }


async def test_a_public_host_comes_before_the_load_balancers_address(
    installed: cluster.Cluster,
) -> None:
    await cloud(installed)
    await installed.patch(
        kinds.CLOUD, "home", "home", {"spec": {"network": {"publicHost": "cloud.example"}}}
    )
    metadata = {"name": credentials.ADMIN_SECRET, "namespace": "home"}
    data = {"username": "YWRtaW4=", "password": "czNjcmV0"}
    await installed.create(
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}
    )
    found = await credentials.of_administrator(installed, "home", "home")
    assert found["auth"]["auth_url"] == "http://cloud.example:5000/v3"


async def a_neighbour(source: cluster.Cluster) -> None:
    """A pod of somebody else in the namespace of the controllers, which finds no node."""
    spec = {"containers": [{"name": "grafana", "image": "x"}]}
    metadata = {"name": "grafana-1", "namespace": remote.SYSTEM}
    made = await source.create(
        {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    )
    said = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "full"}
    await source.replace_status({**made, "status": {"conditions": [said]}})


async def test_controllers_that_are_not_there_say_nothing(installed: cluster.Cluster) -> None:
    await a_neighbour(installed)
    with pytest.raises(place.RefusedError) as caught:
        await home(installed).own_pods()
    assert caught.value.message == "no controllers run in the namespace ouranos-system"
    assert caught.value.hint == "ouranos install --kubeconfig k"


async def test_who_shares_the_controllers_namespace_is_not_taken_for_them(
    installed: cluster.Cluster,
) -> None:
    await cloud(installed)
    await a_neighbour(installed)
    _, now = await home(installed).look()
    assert (now.cause, now.hint) == ("", "ouranos install --kubeconfig k")


async def test_controllers_in_another_namespace_are_hinted_at(installed: cluster.Cluster) -> None:
    await cloud(installed)
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "platform"}}
    await installed.apply(namespace)
    await lease(installed, ago=1, system="platform")
    _, now = await home(installed).look()
    assert now.hint == "say where they are: --system platform"


def test_a_command_names_the_same_cloud_again() -> None:
    asked = remote.Asked(Path("k"), "ctx", "home", "ns", "elsewhere")
    assert asked.options == (
        " --kubeconfig k --context ctx --cloud home --namespace ns --system elsewhere"
    )
    assert ASKED.options == " --kubeconfig k"


async def test_a_kubeconfig_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text("kind: Config\n")
    with pytest.raises(kubeconfig.RefusedError, match="no current-context"):
        async with remote.find(remote.Asked(file)):
            pass


class Guarded:
    """A cluster that lets us see what is in `open`, and nothing else."""

    def __init__(self, api: cluster.Cluster, *allowed: objects.Kind) -> None:
        self._api = api
        self._allowed = allowed

    def _check(self, kind: objects.Kind) -> None:
        if kind not in self._allowed:
            raise errors.Forbidden(403, "Forbidden", f"may not see {kind.plural}", {})

    async def get(self, kind: objects.Kind, name: str, namespace: str) -> objects.Object | None:
        self._check(kind)
        return await self._api.get(kind, name, namespace)

    async def list(self, kind: objects.Kind, namespace: str, **how: str) -> cluster.Listing:
        self._check(kind)
        return await self._api.list(kind, namespace, **how)


async def test_who_may_see_the_cloud_alone_is_told_what_it_says(
    installed: cluster.Cluster,
) -> None:
    await cloud(installed)
    await says(installed, "False", "MariaDB/mariadb: its pod is not ready")
    api: Any = Guarded(installed, kinds.CLOUD)
    _, now = await home(api).look()
    assert (now.told, now.hint) == ("MariaDB/mariadb: its pod is not ready", "")


async def test_who_may_not_look_everywhere_is_asked_where(installed: cluster.Cluster) -> None:
    api: Any = Guarded(installed)
    message, hint = await refused(api)
    assert message == "the cluster does not let us look for Clouds everywhere: may not see clouds"
    assert hint == "say where yours is: --namespace NAMESPACE"
    with pytest.raises(errors.Forbidden):
        await remote.choose(api, remote.Asked(Path("k"), namespace="home"))


@pytest.mark.parametrize(
    ("error", "said", "hint"),
    [
        (
            errors.Forbidden(403, "Forbidden", "may not", {}),
            "the cluster does not allow it: may not",
            "ask its administrator",
        ),
        (
            errors.api_error(401, {"message": "no"}),
            "the cluster does not know us any more",
            "the credentials in k have ended",
        ),
        (
            errors.api_error(503, {"reason": "Busy", "message": "no"}),
            "the cluster's API refused: no (503 Busy)",
            "kubectl --kubeconfig k get --raw",
        ),
        (
            errors.Unreachable("gone"),
            "the cluster's API does not answer any more: gone",
            "kubectl --kubeconfig k get --raw",
        ),
    ],
)
def test_what_the_cluster_refuses_later_is_one_error_with_a_hint(
    error: errors.OuranosError, said: str, hint: str
) -> None:
    with pytest.raises(place.RefusedError) as caught, remote.explained(ASKED):
        raise error
    assert caught.value.message == said
    assert hint in caught.value.hint
