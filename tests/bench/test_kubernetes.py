"""Does the lab that is measured stand beside any other?"""

from pathlib import Path

from ouranos.bench import figures, kubernetes
from ouranos.lab import settings


def test_the_measured_lab_has_a_root_and_ranges_of_its_own(tmp_path: Path) -> None:
    lab = kubernetes.Kubernetes(tmp_path, {}, figures.Table()).lab
    usual = settings.of_environment(environment={})
    assert lab.root == tmp_path
    assert lab.number != usual.number
    assert not lab.public.overlaps(usual.public)
