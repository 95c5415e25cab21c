"""A cluster's API server, and the commands that people use with it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ouranos.kit import kinds, kubeconfig
from ouranos.kit.objects import Kind

OURANOS = Path(sys.executable).with_name("ouranos")
ROOT = Path(__file__).parents[3]
SYSTEM = "ouranos-system"
REVIEW = Kind(
    "authorization.k8s.io", "v1", "SubjectAccessReview", "subjectaccessreviews", namespaced=False
)
kinds.register(REVIEW)
Right = tuple[str, str, str, str]
"""Verb, group, resource, and the name of the object, where it matters."""


@dataclass(frozen=True)
class Place:
    """A control plane, and how it is spoken to."""

    folder: Path
    kubeconfig: Path
    program: Path

    def ouranos(
        self, *words: str, code: int = 0, kubeconfig: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as a person would, and expect its exit code."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        named = ("--kubeconfig", str(kubeconfig or self.kubeconfig))
        done = subprocess.run(
            [OURANOS, *words, *named],
            capture_output=True,
            text=True,
            env=environment,
            timeout=300,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def kubectl(self, *words: str, stdin: str = "", code: int = 0) -> str:
        """Run kubectl as the administrator."""
        done = subprocess.run(
            [self.program, *words],
            input=stdin,
            capture_output=True,
            text=True,
            env={
                "KUBECONFIG": str(self.kubeconfig),
                "HOME": str(self.folder),
                "PATH": os.environ["PATH"],
            },
            timeout=300,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def get(self, *words: str) -> Any:
        """Objects as kubectl finds them."""
        return json.loads(self.kubectl("get", *words, "-o", "json"))

    def refused(self, account: str, asked: list[Right]) -> list[Right]:
        """Which of some rights a service account of the installation does not have."""
        return asyncio.run(self._refused(f"system:serviceaccount:{SYSTEM}:{account}", asked))

    async def _refused(self, user: str, asked: list[Right]) -> list[Right]:
        found: list[Right] = []
        async with kubeconfig.connect(self.kubeconfig) as source:
            for verb, group, resource, name in asked:
                plural, _, subresource = resource.partition("/")
                attributes = {"verb": verb, "group": group, "resource": plural, "name": name}
                attributes |= {"subresource": subresource, "namespace": SYSTEM}
                review = {
                    "apiVersion": REVIEW.api_version,
                    "kind": REVIEW.kind,
                    "metadata": {},
                    "spec": {"user": user, "resourceAttributes": attributes},
                }
                if not (await source.create(review))["status"]["allowed"]:
                    found.append((verb, group, resource, name))
        return found

    def user(self, name: str, *rules: dict[str, Any]) -> Path:
        """A kubeconfig of somebody who may do what the rules say, in the whole cluster."""
        everywhere = {"apiVersion": "rbac.authorization.k8s.io/v1"}
        subject = {"kind": "ServiceAccount", "name": name, "namespace": "default"}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
        made: list[dict[str, Any]] = [
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}},
            {**everywhere, "kind": "ClusterRole", "metadata": {"name": name}, "rules": list(rules)},
            {
                **everywhere,
                "kind": "ClusterRoleBinding",
                "metadata": {"name": name},
                "roleRef": role,
                "subjects": [subject],
            },
        ]
        self.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(made))
        token = self.kubectl("create", "token", name).strip()
        found = yaml.safe_load(self.kubeconfig.read_text("utf-8"))
        found["users"][0]["user"] = {"token": token}
        file = self.folder / f"{name}.kubeconfig"
        file.write_text(yaml.safe_dump(found), "utf-8")
        return file
