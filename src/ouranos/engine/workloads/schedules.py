"""When does a CronJob run next, and which of its Jobs are kept? Pure decisions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import cronsim

from ouranos.engine.workloads import jobs, pods
from ouranos.kit import conditions, errors, objects
from ouranos.kit.objects import Object, Objects

_MACROS: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MISSED_LIMIT: Final = 100


@dataclass(frozen=True, slots=True)
class Due:
    """The latest run that is due and was not made (None: none is), and the next to come."""

    missed: datetime | None
    upcoming: datetime | None


def due(cron_job: Object, now: datetime) -> Due:
    """Return what is due by the schedule since the last run, within the starting deadline.

    Raises:
        errors.Terminal: schedule or time zone mean nothing.
    """
    spec = cron_job["spec"]
    earliest = _since(cron_job)
    seconds = spec.get("startingDeadlineSeconds")
    if seconds is not None:
        earliest = max(earliest, now - timedelta(seconds=seconds))
    times = _times(spec["schedule"], spec.get("timeZone"), earliest)
    missed: datetime | None = None
    for count, moment in enumerate(times):
        if moment > now:
            return Due(missed, moment)
        missed = moment
        if count >= _MISSED_LIMIT:
            # So many were missed that only the present counts.
            times = _times(spec["schedule"], spec.get("timeZone"), now)
            return Due(missed, next(times, None))
    return Due(missed, None)


def job_name(cron_job: Object, moment: datetime) -> str:
    """Return the name of the Job of one run: the same run is never made twice."""
    name: str = cron_job["metadata"]["name"]
    return f"{name[:52]}-{int(moment.timestamp()) // 60}"


def surplus(owned: Sequence[Object], keep_succeeded: int, keep_failed: int) -> Objects:
    """Return the Jobs that are over and beyond what is kept, oldest first."""
    result: Objects = []
    for type_, keep in ((jobs.COMPLETE, keep_succeeded), (jobs.FAILED, keep_failed)):
        over = [one for one in owned if conditions.is_true(one, type_)]
        over.sort(key=lambda one: (pods.created(one), one["metadata"]["name"]))
        result += over[: max(len(over) - keep, 0)]
    return result


def _since(cron_job: Object) -> datetime:
    last = objects.mapping(cron_job, "status").get("lastScheduleTime")
    return conditions.moment_of(last) if last else pods.created(cron_job)


def _times(schedule: str, zone: str | None, after: datetime) -> cronsim.CronSim:
    try:
        local = after.astimezone(ZoneInfo(zone) if zone else UTC)
        return cronsim.CronSim(_MACROS.get(schedule.strip(), schedule), local)
    except cronsim.CronSimError as error:
        reason = f"spec.schedule {schedule!r}: {error}"
        raise errors.Terminal(conditions.Reason.INVALID_SPEC, reason) from error
    except (ZoneInfoNotFoundError, ValueError) as error:
        reason = f"spec.timeZone {zone!r} is not known"
        raise errors.Terminal(conditions.Reason.INVALID_SPEC, reason) from error
