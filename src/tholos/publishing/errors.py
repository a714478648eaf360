"""What can be wrong with a publish."""

from __future__ import annotations

from tholos.kit.errors import Conflict, Invalid, NotFound, TholosError


class SnapshotNotYours(NotFound):
    """Cannot publish this snapshot: you have sent none of that id."""

    code = "snapshot_unknown"
    usual_fix = "Publish it again: what the server lacks is sent."


class OverrideInvalid(Invalid):
    """Cannot take this setting."""

    code = "override_invalid"


class BroughtInvalid(Invalid):
    """Cannot take a setting that the manifest among the files brings."""

    code = "brought_invalid"


class PrepareFailed(TholosError):
    """The command that prepares the app failed."""

    code = "prepare_failed"


class BundleNotFound(NotFound):
    """The app has no such bundle."""

    code = "bundle_not_found"
    usual_fix = "See those that there are: each publish makes one."


class BundleInUse(Conflict):
    """Cannot remove the bundle: its release is live."""

    code = "bundle_in_use"
    usual_fix = "Make another release live first."


class NothingRuns(Conflict):
    """Cannot restart the app: nothing of it is live."""

    code = "nothing_runs"


class LockUnknown(NotFound):
    """The release has no lock: its packages were never resolved."""

    code = "lock_unknown"


class FileNotThere(NotFound):
    """Neither of the releases has such a file."""

    code = "file_not_there"
    usual_fix = "See the files that differ: tholos diff NAME"


class CacheUnknown(NotFound):
    """There is no environment of that version of Python."""

    code = "cache_unknown"
    usual_fix = "See those that there are: rsconnect system caches list"


class CacheInUse(Conflict):
    """Cannot remove the environments: all of them are in use."""

    code = "cache_in_use"
    usual_fix = "Remove the apps or releases that use them first."
