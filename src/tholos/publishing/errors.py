"""What can be wrong with a publish."""

from __future__ import annotations

from tholos.kit.errors import Invalid, NotFound, TholosError


class SnapshotNotYours(NotFound):
    """Cannot publish this snapshot: you have sent none of that id."""

    code = "snapshot_unknown"


class OverrideInvalid(Invalid):
    """Cannot take this setting."""

    code = "override_invalid"


class PrepareFailed(TholosError):
    """The command that prepares the app failed."""

    code = "prepare_failed"
