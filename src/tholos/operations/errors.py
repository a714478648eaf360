"""What can be wrong with operations."""

from __future__ import annotations

from tholos.kit.errors import Conflict, NotFound, Unavailable


class OperationNotFound(NotFound):
    """There is no such operation among those you may see."""

    code = "operation_not_found"
    usual_fix = "See what is being done to an app: tholos status NAME"


class OperationUnderWay(Conflict):
    """Cannot begin: another operation on the same app is under way."""

    code = "publish_under_way"


class CancelRequested(Conflict):
    """Cannot go on: somebody has cancelled the operation."""

    code = "operation_cancelled"


class TransitionRefused(Conflict):
    """Cannot change the state of this operation so."""

    code = "operation_state"


class OperationLost(Unavailable):
    """The server ended while this operation ran, more often than it is tried again."""

    code = "operation_lost"
