"""Errors as this wire says them: a number, a sentence, and a status. The one table of which is which."""

from __future__ import annotations

from typing import ClassVar

from tholos.kit.errors import Conflict, Forbidden, Invalid, NotFound, NotSignedIn, TholosError, Unavailable


class WireError(Invalid):
    """A refusal that only this wire has words for."""

    code = "connect"
    number: ClassVar[int] = 121


class IdMalformed(WireError):
    """The id is not of the form that is needed."""

    code = "connect_id_malformed"
    number = 3
    usual_fix = "Use an id as the server told it."


class ContentNameInvalid(WireError):
    """Cannot take this name: it needs 3 to 64 letters, digits, "_" and "-"."""

    code = "connect_name_invalid"
    number = 5
    usual_fix = "Choose another name."


class ContentNameTaken(Conflict):
    """You have content of that name."""

    code = "connect_name_taken"
    usual_fix = "Choose another name, or deploy to the content that has it."


class NothingToDeploy(NotFound):
    """Cannot deploy: nothing was uploaded yet."""

    code = "connect_nothing_to_deploy"
    usual_fix = "Upload a bundle first."


class ManifestInvalid(WireError):
    """Cannot take this bundle: its manifest.json is missing or is none."""

    code = "connect_manifest_invalid"
    number = 38
    usual_fix = "Write it with: rsconnect write-manifest"


class AppModeUnsupported(WireError):
    """Cannot take this bundle: content of its app mode is not served here."""

    code = "connect_app_mode_unsupported"
    number = 38


class AppModeDiffers(Forbidden):
    """Cannot deploy: the bundle is of another app mode than the content."""

    code = "connect_app_mode_differs"
    usual_fix = "Deploy it as new content: --new"


class NameReserved(WireError):
    """Cannot set this environment variable: the server sets it."""

    code = "connect_name_reserved"
    number = 108
    usual_fix = "Choose another name."


class PathUnknown(NotFound):
    """There is no such call."""

    code = "connect_path_unknown"


class ChecksumWrong(WireError):
    """What arrived is not what its checksum says."""

    code = "connect_checksum_wrong"
    number = 104
    usual_fix = "Upload it again."


class SettingInvalid(WireError):
    """Cannot take this setting."""

    code = "connect_setting_invalid"
    usual_fix = "Correct the value."


class ProcessesInvalid(SettingInvalid):
    """Cannot take these numbers of processes."""

    code = "connect_processes_invalid"
    number = 113


class LoadFactorInvalid(SettingInvalid):
    """Cannot take this load_factor: it is a number from 0 to 1."""

    code = "connect_load_factor_invalid"
    number = 150


class TimeoutInvalid(SettingInvalid):
    """Cannot take this time: it is a whole number of seconds from 0 to 2,592,000."""

    code = "connect_timeout_invalid"
    number = 151


class LimitInvalid(SettingInvalid):
    """Cannot take this limit of memory, CPU or devices."""

    code = "connect_limit_invalid"
    number = 181


class AccessTypeInvalid(SettingInvalid):
    """Cannot take this access_type: there are all, logged_in and acl."""

    code = "connect_access_type_invalid"
    number = 117


class NotSupported(WireError):
    """Tholos does not do that."""

    code = "connect_not_supported"
    number = 147
    usual_fix = "See which features differ in the documentation of this server, under Posit Connect."


class NotFollowing(NotFound):
    """This content follows no repository."""

    code = "connect_not_following"
    usual_fix = "Let it follow one: rsconnect deploy git"


class FetchRefused(WireError):
    """The repository was not fetched."""

    code = "connect_fetch_refused"
    number = 143
    usual_fix = "Mend what the message names, and fetch again."


class PrincipalInvalid(WireError):
    """Cannot share with that: a principal_type is user or group."""

    code = "connect_principal_invalid"
    number = 153
    usual_fix = "Name it as the server told it."


class PermissionTaken(Conflict):
    """It is shared with that account or group already."""

    code = "connect_permission_taken"
    usual_fix = "Change the permission that is there."


class PermissionUnknown(NotFound):
    """There is no such permission."""

    code = "connect_permission_unknown"


class JobUnknown(NotFound):
    """There is no such job."""

    code = "connect_job_unknown"


class JobEnded(Conflict):
    """Cannot stop this job: it has ended."""

    code = "connect_job_ended"


class BootstrapRefused(NotSignedIn):
    """Cannot take this bootstrap token: it was not made with the key of this server, or its time has passed."""

    code = "connect_bootstrap_refused"
    usual_fix = (
        "Give the file that THOLOS_CONNECT__BOOTSTRAP_KEY_FILE names: rsconnect bootstrap --jwt-keypath FILE"
    )


class NothingAssociated(WireError):
    """There are no OAuth integrations here, so none is associated."""

    code = "connect_nothing_associated"
    number = 212
    usual_fix = "Give the app its credentials as variables."


class IncludeInvalid(WireError):
    """Cannot include that: there are owner, tags and vanity_url."""

    code = "connect_include_invalid"
    number = 161
    usual_fix = "Leave out the others."


class VanityUnset(NotFound):
    """No path leads to this content."""

    code = "connect_vanity_unset"


class ScheduleInvalid(WireError):
    """Cannot take this schedule."""

    code = "connect_schedule_invalid"
    usual_fix = 'Send type, and schedule as JSON text, such as minute and {"N": 30}.'


class ScheduleTaken(Conflict):
    """This content has a schedule already."""

    code = "connect_schedule_taken"
    usual_fix = "Change the schedule that is there."


class ScheduleUnknown(NotFound):
    """There is no such schedule."""

    code = "connect_schedule_unknown"


class TaskUnknown(NotFound):
    """There is no such task."""

    code = "connect_task_unknown"
    usual_fix = "Deploy again: tasks are kept for a while only."


_NUMBERS: dict[str, int] = {
    "connect_app_mode_differs": 48,
    "connect_path_unknown": 2,
    "app_mode_unsupported": 38,
    "manifest_misfit": 38,
    "nothing_to_publish": 38,
    "entrypoint_missing": 38,
    "several_entrypoints": 38,
    "source_broken": 38,
    "variable_name_invalid": 108,
    "connect_name_taken": 26,
    "connect_nothing_to_deploy": 28,
    "connect_permission_taken": 155,
    "connect_job_ended": 163,
    "connect_task_unknown": 141,
    "connect_not_following": 143,
    "source_not_found": 143,
    "repository_invalid": 146,
    "repository_refused": 164,
    "operation_not_found": 141,
    "bundle_in_use": 75,
    "cache_unknown": 179,
    "path_taken": 51,
    "path_invalid": 52,
    "path_reserved": 52,
    "tag_invalid": 157,
    "tag_taken": 157,
    "tag_is_category": 158,
    "cache_in_use": 194,
    "already_in_use": 165,
    "connect_bootstrap_refused": 166,
    "not_signed_in": 30,
    "role_too_low": 22,
    "scope_too_narrow": 22,
    "not_shared": 19,
    "not_an_editor": 19,
    "foreign_origin": 92,
    "account_taken": 8,
    "group_taken": 8,
    "bad_archive": 135,
    "too_much": 135,
    "bad_path": 135,
    "body_too_large": 126,
    "name_taken": 26,
    "name_invalid": 106,
    "said_twice": 149,
    "owner_invalid": 152,
    "principal_unknown": 152,
    "grant_invalid": 152,
    "bug": 1,
    "not_found": 2,
}
_OF_KINDS: tuple[tuple[type[TholosError], int], ...] = (
    (NotSignedIn, 24),
    (Forbidden, 10),
    (NotFound, 4),
    (Conflict, 106),
    (Unavailable, 1),
    (Invalid, 121),
)


_CREDENTIAL = (
    "an administrator can keep one for the repository's host by tholos git-credentials set HOST --secret-file FILE, or in the "
    "browser under Administration, Git credentials"
)
_FIXES: dict[str, str] = {
    "python_not_found": "Ask for another in .python-version or in pyproject.toml, as 3.12 or >=3.11.",
    "manifest_misfit": "Correct the files, or write the manifest anew: rsconnect write-manifest",
    "not_an_editor": "Ask its owner to make you an editor.",
    "app_not_found": "See what there is: rsconnect content search",
    "repository_closed": f"It needs a credential: {_CREDENTIAL}.",
    "repository_gone": f"Check its address. Where it needs a credential: {_CREDENTIAL}.",
    "branch_gone": "Push it, or name another one: rsconnect deploy git --branch BRANCH -a GUID",
    "subdirectory_gone": "Push it, or name another one: rsconnect deploy git --subdirectory FOLDER -a GUID",
    "fetch_failed": "Try again: rsconnect content repository redeploy -g GUID",
    "mirror_damaged": "Try again: rsconnect content repository redeploy -g GUID",
}
"""What to do in the words of this wire's clients, where ours name commands or flags that they do not have."""


def path_unknown(path: str) -> PathUnknown:
    """For a path of this API that there is not; one with a prefix is what a server's address ends with."""
    prefix = path.partition("/__api__/")[0]
    if not prefix:
        return PathUnknown(f"There is nothing at {path[:200]}.")
    return PathUnknown(
        f"There is no server at {prefix[:100]}: this one has no path.",
        fix="Leave the path out of the server's address.",
    )


def fix_of(code: str, fix: str) -> str:
    """What to do about an error, as this wire's clients can do it."""
    return _FIXES.get(code, fix)


def number_of(error: TholosError) -> int:
    """What this wire calls an error."""
    if isinstance(error, WireError):
        return error.number
    return _NUMBERS.get(error.code) or next(
        (number for kind, number in _OF_KINDS if isinstance(error, kind)), 1
    )


def to_json(error: TholosError) -> dict[str, object]:
    """The body of every refusal."""
    message = f"{error.message} {fix_of(error.code, error.fix)}".strip()
    return {"code": number_of(error), "error": message, "payload": None}
