"""Writes docs/reference from what the code says of itself; `--check` fails when a page is stale."""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import yaml

from ouranos import cli
from ouranos.kit import conditions, metrics

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"
LAWS = ROOT / "tests" / "laws"
HEAD = "<!-- Made by `make docs`; do not edit. -->\n\n"


def commands() -> str:
    """One heading per command, with its own help."""
    parts = [
        f"{HEAD}# Commands\n",
        "Every option can be given as a variable: `OURANOS_<COMMAND>_<OPTION>`.",
        "An error is one line, `error: …`; the line below it, `hint: …`, says what to do.\n",
    ]
    group = click.Context(cli.cli, info_name="ouranos")
    for name in cli.cli.list_commands(group):
        command = importlib.import_module(f"ouranos.cli.{name}").command
        parts.extend(sections(command, name, group))
    parts.append(
        "## Exit codes\n\n| code | means |\n| --- | --- |\n| 0 | done |\n"
        "| 1 | the user's input, or a refused check |\n| 2 | unexpected |\n"
        "| 3 | timed out while waiting |\n| 130 | interrupted |\n"
        "| 141 | the reader of the output went away, as in `ouranos logs nova \\| head` |\n"
    )
    parts.append(
        "## Variables\n\n| variable | means |\n| --- | --- |\n"
        "| `OURANOS_CLOUD` | which cloud, as `--cloud` |\n"
        "| `OURANOS_KUBECONFIG` | the cluster, as `--kubeconfig`; `KUBECONFIG` is never read |\n"
        "| `OURANOS_CONTEXT` | of that kubeconfig, as `--context` |\n"
        "| `OURANOS_NAMESPACE` | where the Cloud is in that cluster, as `--namespace` |\n"
        "| `OURANOS_SYSTEM` | where the controllers are in that cluster, as `--system` |\n"
        "| `OURANOS_ROOT` | the folder of all clouds and images, instead of `/var/lib/ouranos` |\n"
        "| `OURANOS_LOG_LEVEL` | what the daemon logs: `debug`, `info`, `warning` |\n"
        "| `OURANOS_CACHE` | where `make kubernetes` keeps what it compiled, instead of `cache` "
        "below `OURANOS_ROOT` |\n"
        "| `OURANOS_LAB` | which Kubernetes for trying, 0 to 9, where there are several |\n"
        "| `OURANOS_REGISTRY_TIMEOUT` | seconds without a byte after which a registry counts as "
        "silent: 40 |\n"
        "| `OURANOS_DEBUG` | set: a mistake of Ouranos is shown with its traceback |\n"
    )
    return "\n".join(parts)


def sections(command: click.Command, name: str, parent: click.Context) -> Iterator[str]:
    """A heading for a command, and one below it for each of its own."""
    with click.Context(command, info_name=name, parent=parent, max_content_width=88) as context:
        level = "#" * len(context.command_path.split())
        title = context.command_path.removeprefix("ouranos ")
        yield f"{level} {title}\n\n```text\n{command.get_help(context)}\n```\n"
        if isinstance(command, click.Group):
            for each in command.list_commands(context):
                if (found := command.get_command(context, each)) is not None:
                    yield from sections(found, each, context)


def reasons() -> str:
    """One heading per reason of a condition; the text after each in the source says what to do."""
    tree = ast.parse(inspect.getsource(conditions.Reason))
    body = next(node for node in tree.body if isinstance(node, ast.ClassDef)).body
    parts = [f"{HEAD}# Reasons of conditions\n", "Sorted by what the reader should do.\n"]
    for statement, after in itertools.pairwise(body):
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
            text = after.value if isinstance(after, ast.Expr) else None
            advice = text.value if isinstance(text, ast.Constant) else ""
            parts.append(f"## {statement.value.value}\n\n{advice}\n")
    return "\n".join(parts)


def measured() -> str:
    """One heading per metric."""
    parts = [f"{HEAD}# Metrics\n", "Printed by `ouranos metrics`.\n"]
    for value in vars(metrics).values():
        if isinstance(value, metrics.Counter | metrics.Histogram):
            labels = ", ".join(f"`{label}`" for label in value.labels)
            by = f", by {labels}" if labels else ""
            parts.append(f"## {value.name}\n\n{value.text} A {value.kind}{by}.\n")
    return "\n".join(parts)


def kinds() -> str:
    """One heading per kind, one row per field of its spec."""
    parts = [f"{HEAD}# Kinds\n"]
    for file in sorted((ROOT / "deploy" / "crds").glob("*.ouranos.cloud.yaml")):
        definition = yaml.safe_load(file.read_text(encoding="utf-8"))["spec"]
        schema = definition["versions"][0]["schema"]["openAPIV3Schema"]
        parts.append(f"## {definition['names']['kind']}\n\n{schema.get('description', '')}\n")
        parts.append("| field | type | default | what |\n| --- | --- | --- | --- |")
        parts.extend(rows(schema["properties"]["spec"], "spec"))
        parts.append("")
    return "\n".join(parts)


def rows(schema: dict[str, Any], path: str) -> Iterator[str]:
    """A row for each field below `schema`, parents before children."""
    for name, field in schema.get("properties", {}).items():
        where = f"{path}.{name}"
        default = f"`{json.dumps(field['default'])}`" if "default" in field else ""
        what = " ".join(field.get("description", "").split()).replace("|", "\\|")
        yield f"| `{where}` | {field.get('type', 'any')} | {default} | {what} |"
        yield from rows(field, where)


def laws() -> str:
    """One table per file of laws; a law's sentence is the name of its test."""
    chapters: list[str] = []
    count = 0
    for file in sorted(LAWS.glob("test_*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        names = [
            node.name.removeprefix("test_")
            for node in tree.body
            if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef)
            and node.name.startswith("test_")
        ]
        count += len(names)
        about = (ast.get_docstring(tree) or "").partition("\n")[0]
        chapters.append(
            f"## {about}\n\n| law | embedded API | kube-apiserver |\n| --- | --- | --- |"
        )
        chapters += [f"| {sentence(name)} | holds | holds |" for name in names]
        chapters.append("")
    return "\n".join(
        [
            f"{HEAD}# The laws of the API\n",
            f"{count} laws. The fast tests try each on the embedded API; the story in",
            "`tests/cloud/laws` tries each on the embedded API and on kube-apiserver in one run,",
            "fails on any that one breaks, and compares what both answer to random calls.\n",
            "## Accepted differences\n",
            "The story fails on one that is none any more.\n",
            "| difference | why it stays |\n| --- | --- |",
            *(f"| {name} | {reason} |" for name, reason in differences()),
            "",
            *chapters,
        ]
    )


def differences() -> Iterator[tuple[str, str]]:
    """The accepted differences, and why each stays."""
    tree = ast.parse((LAWS / "laws_differences.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Difference":
            yield ast.literal_eval(node.args[0]), ast.literal_eval(node.args[1])


def sentence(name: str) -> str:
    """A test's name as a sentence."""
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


PAGES = {
    "commands.md": commands,
    "reasons.md": reasons,
    "metrics.md": measured,
    "kinds.md": kinds,
    "laws.md": laws,
}


def main() -> int:
    """Write all pages, or with --check compare them."""
    stale = []
    for name, make in PAGES.items():
        path, text = REFERENCE / name, make()
        if "--check" in sys.argv:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                stale.append(name)
        else:
            path.write_text(text, encoding="utf-8")
    if stale:
        sys.stderr.write(f"stale: {', '.join(stale)}\nhint: make docs\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
