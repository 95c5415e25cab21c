"""Workloads: Deployment, StatefulSet, DaemonSet, Job, CronJob, Service, Node → Pods."""

from ouranos.engine.workloads.registry import controllers

__all__ = ["controllers"]
