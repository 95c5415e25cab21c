"""Is there a Job for each time of a schedule? Runs CronJobs."""

from datetime import datetime, timedelta
from typing import Final

from ouranos.engine.workloads import jobs, outcomes, schedules
from ouranos.kit import conditions, controller, errors, kinds, objects, outcome
from ouranos.kit.objects import Object, Objects

_SCHEDULED: Final = "batch.kubernetes.io/cronjob-scheduled-timestamp"


async def reconcile(p: controller.Pass) -> outcome.Outcome:
    """Make the Job that is due, drop old ones, and come back at the next time."""
    now = p.seams.clock.now()
    owned = p.cache.owned(kinds.JOB, p.object)
    running = [one for one in owned if not jobs.is_over(one) and not objects.is_deleting(one)]
    due = schedules.due(p.object, now)
    if due.missed is not None and not p.deleting and not p.object["spec"].get("suspend"):
        running = await _run(p, running, due.missed)
    await _prune(p, owned)
    _say(p, running, owned)
    if p.deleting or p.object["spec"].get("suspend") or due.upcoming is None:
        return outcome.DONE
    return outcomes.again(due.upcoming - now + timedelta(milliseconds=1))


async def _run(p: controller.Pass, running: Objects, moment: datetime) -> Objects:
    policy = p.object["spec"].get("concurrencyPolicy", "Allow")
    if running and policy == "Forbid":
        # It stays due until the other has ended, or its deadline has passed.
        return running
    if policy == "Replace":
        for one in running:
            await p.delete(kinds.JOB, one["metadata"]["name"], uid=objects.uid_of(one))
        running = []
    try:
        made = await p.create(_job(p, moment))
    except errors.AlreadyExists:
        made = await p.refresh(kinds.JOB, schedules.job_name(p.object, moment))
    else:
        await p.event("Normal", "SuccessfulCreate", f"Created job {made['metadata']['name']}")
    p.status["lastScheduleTime"] = conditions.timestamp(moment)
    return running if made is None else [*running, made]


def _job(p: controller.Pass, moment: datetime) -> Object:
    template = p.object["spec"]["jobTemplate"]
    metadata = objects.mapping(template, "metadata")
    notes = {**objects.mapping(metadata, "annotations"), _SCHEDULED: conditions.timestamp(moment)}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": schedules.job_name(p.object, moment),
            "labels": objects.mapping(metadata, "labels"),
            "annotations": notes,
        },
        "spec": template["spec"],
    }


async def _prune(p: controller.Pass, owned: Objects) -> None:
    spec = p.object["spec"]
    succeeded = spec.get("successfulJobsHistoryLimit")
    failed = spec.get("failedJobsHistoryLimit")
    keep = (3 if succeeded is None else succeeded, 1 if failed is None else failed)
    for one in schedules.surplus(owned, *keep):
        await p.delete(kinds.JOB, one["metadata"]["name"], uid=objects.uid_of(one))


def _say(p: controller.Pass, running: Objects, owned: Objects) -> None:
    p.status["active"] = [
        {
            "apiVersion": one["apiVersion"],
            "kind": one["kind"],
            "name": one["metadata"]["name"],
            "namespace": one["metadata"]["namespace"],
            "uid": objects.uid_of(one),
        }
        for one in running
    ]
    ends = [end for one in owned if (end := objects.mapping(one, "status").get("completionTime"))]
    last = p.status.get("lastSuccessfulTime")
    if ends:
        p.status["lastSuccessfulTime"] = max([*ends, last] if last else ends)


CONTROLLER: Final = controller.Controller("cronjob", kinds.CRON_JOB, reconcile, owns=(kinds.JOB,))
