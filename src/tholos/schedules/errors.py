"""What can be wrong with schedules."""

from __future__ import annotations

from tholos.kit.errors import Conflict, Forbidden, Invalid, NotFound


class ScheduleNotFound(NotFound):
    """This app has no schedule."""

    code = "schedule_not_found"
    usual_fix = "Give it one: tholos schedule NAME --daily 07:00"


class RecurrenceInvalid(Invalid):
    """Cannot take this schedule: its times cannot be told from it."""

    code = "recurrence_invalid"


class TimeZoneUnknown(Invalid):
    """Cannot take this time zone: there is none of that name."""

    code = "time_zone_unknown"
    usual_fix = "Use a name of the tz database, such as Europe/Vienna, or UTC."


class NothingToStart(Conflict):
    """Cannot start this app at set times: a site of files has nothing to start."""

    code = "nothing_to_start"
    usual_fix = "Publish the site again when its files change."


class SchedulerGone(Forbidden):
    """Cannot start the app by its schedule: who set it may not publish to the app any more."""

    code = "scheduler_gone"


class StillStarting(Conflict):
    """What the time before began is still under way."""

    code = "still_starting"


class BeingDeleted(Conflict):
    """The app is being deleted."""

    code = "being_deleted"
