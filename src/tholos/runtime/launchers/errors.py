"""What can go wrong with any launcher, whichever engine is behind it."""

from __future__ import annotations

from tholos.kit.errors import Conflict, Invalid, NotFound, Unavailable


class LauncherUnavailable(Unavailable):
    """Cannot reach the supervisor: it does not answer."""

    code = "launcher_unavailable"


class InstanceUnknown(NotFound):
    """Cannot find the instance: it was never started, or is forgotten."""

    code = "instance_unknown"


class InstanceNotEnded(Conflict):
    """Cannot forget the instance: it has not ended."""

    code = "instance_not_ended"


class SpecInvalid(Invalid):
    """Cannot start the instance: its spec is not usable."""

    code = "instance_spec_invalid"


class SpecChanged(Conflict):
    """Cannot let the process go on: it waits to be something else."""

    code = "instance_spec_changed"


class SocketPathTooLong(Invalid):
    """Cannot use the runtime folder: paths of unix sockets in it are too long."""

    code = "socket_path_too_long"
