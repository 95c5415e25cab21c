"""Does what people say reach the process, and are they told where it cannot?"""

from pathlib import Path
from typing import Any

import pytest
from click import testing

from ouranos.cluster import __main__ as main
from ouranos.cluster import composition, settings


def chosen(*words: str, **environment: str) -> dict[str, Any]:
    context = main.command.make_context("ouranos.cluster", list(words))
    with testing.CliRunner(env=environment).isolation():
        context = main.command.make_context("ouranos.cluster", list(words))
    return context.params


def test_without_a_word_a_pod_does_the_usual() -> None:
    assert settings.Settings(**chosen()) == settings.Settings()


def test_every_option_has_a_variable() -> None:
    said = chosen(
        OURANOS_KUBECONFIG="/k",
        OURANOS_CONTEXT="c",
        OURANOS_NAMESPACE="n",
        OURANOS_LEASE="l",
        OURANOS_HTTP_ADDRESS="127.0.0.1",
        OURANOS_HTTP_PORT="1",
        OURANOS_IMAGES="registry.example/ouranos",
        OURANOS_LOG_LEVEL="debug",
    )
    assert said == {
        "kubeconfig": Path("/k"),
        "context": "c",
        "namespace": "n",
        "lease_name": "l",
        "address": "127.0.0.1",
        "port": 1,
        "images": "registry.example/ouranos",
        "level": "debug",
    }
    assert chosen("--lease", "mine", OURANOS_LEASE="l")["lease_name"] == "mine"


@pytest.mark.usefixtures("log_as_before")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "error: this process does not run in a pod of a cluster\nhint: name one"),
        (["--kubeconfig", "/not/there"], "error: /not/there cannot be read"),
    ],
)
def test_who_leads_nowhere_is_told(words: list[str], said: str) -> None:
    result = testing.CliRunner(env={"KUBERNETES_SERVICE_HOST": ""}).invoke(main.command, words)
    assert result.exit_code == 1
    assert result.stderr.startswith(said)


@pytest.mark.parametrize(
    ("registry", "reference", "found"),
    [
        ("", "ouranos.cloud/ovn:2026.2", "ouranos.cloud/ovn:2026.2"),
        ("r.example:5000/o/", "ouranos.cloud/ovn:2026.2", "r.example:5000/o/ovn:2026.2"),
        ("r.example", "elsewhere.example/x:1", "elsewhere.example/x:1"),
    ],
)
def test_images_are_found_where_people_keep_them(registry: str, reference: str, found: str) -> None:
    given, _ = composition.outside(registry)
    assert given.image(reference) == found
