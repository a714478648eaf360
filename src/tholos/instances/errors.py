"""What can go wrong with an instance."""

from __future__ import annotations

from tholos.kit.errors import Conflict, Invalid, NotFound, TholosError, Unavailable


class InstanceNotFound(NotFound):
    """There is no such instance."""

    code = "instance_not_found"
    usual_fix = "See those that run: tholos status NAME"


class TransitionRefused(Conflict):
    """Cannot change the state of this instance so."""

    code = "instance_state"


class InstanceLeaves(Conflict):
    """Cannot stop this instance: it has ended, or is about to."""

    code = "instance_leaves"
    usual_fix = "See those that run: tholos status NAME"


class LogQueryInvalid(Invalid):
    """Cannot read the log: what is asked for is not of the form that is needed."""

    code = "log_query_invalid"


class InstanceDied(TholosError):
    """The app ended right after it was started."""

    code = "instance_died"


class PortTaken(InstanceDied):
    """Cannot start the app: another one listens on its port."""

    code = "port_taken"


class StartTimedOut(TholosError):
    """The app was started and did not answer in time."""

    code = "start_timed_out"


class StopTimedOut(TholosError):
    """The app was told to stop and did not end in time."""

    code = "stop_timed_out"


class TooManyFollowers(Unavailable):
    """Cannot follow this log: you follow it too often already."""

    code = "too_many_followers"


class AnswersWithError(TholosError):
    """The app answers its first request with an error."""

    code = "answers_with_error"


class InstancesTaken(Unavailable):
    """Cannot open the app: as many instances as may run are somebody's own already."""

    code = "instances_taken"


class AppNotServing(Unavailable):
    """The app has no instance that answers."""

    code = "app_not_serving"
