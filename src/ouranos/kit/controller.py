"""What does a controller's author need? One door to parts that have files of their own."""

from ouranos.kit.cache import Cache
from ouranos.kit.definition import Controller, Watch
from ouranos.kit.mirror import Mirror
from ouranos.kit.passes import Pass
from ouranos.kit.runner import ControllerRunner, run_alone, run_pass

__all__ = [
    "Cache",
    "Controller",
    "ControllerRunner",
    "Mirror",
    "Pass",
    "Watch",
    "run_alone",
    "run_pass",
]
