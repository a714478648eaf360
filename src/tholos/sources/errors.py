"""What can be wrong with repositories, their credentials, what is fetched of them and who tells of pushes."""

from __future__ import annotations

from tholos.kit.errors import Forbidden, Invalid, NotFound, NotSignedIn, Unavailable


class SourceNotFound(NotFound):
    """This app follows no repository."""

    code = "source_not_found"
    usual_fix = "Let it follow one: tholos publish --git URL --name NAME"


class RepositoryInvalid(Invalid):
    """Cannot follow this repository: it is no address of one."""

    code = "repository_invalid"
    usual_fix = (
        "Give an address such as https://git.example.org/team/app.git or git@git.example.org:team/app.git"
    )


class RepositoryRefused(Invalid):
    """Cannot follow this repository: this installation does not let it."""

    code = "repository_refused"


class BranchInvalid(Invalid):
    """Cannot follow this branch: no branch can be called so."""

    code = "branch_invalid"


class SubdirectoryInvalid(Invalid):
    """Cannot publish this folder of a repository: it is no path in one."""

    code = "subdirectory_invalid"


class CredentialInvalid(Invalid):
    """Cannot keep this credential."""

    code = "credential_invalid"


class CredentialNotFound(NotFound):
    """There is no such credential."""

    code = "credential_not_found"
    usual_fix = "See those that there are: tholos git-credentials list"


class FollowerGone(Forbidden):
    """Cannot publish by itself: who let the app follow the repository may not publish to it any more."""

    code = "follower_gone"
    usual_fix = "Whoever edits the app can take it over: tholos source NAME --resume"


class FetchFailed(Unavailable):
    """Cannot fetch the repository."""

    code = "fetch_failed"
    usual_fix = "It is tried again by itself; at once by: tholos source NAME --update"


class RepositoryClosed(FetchFailed):
    """Cannot fetch the repository: it does not let us in."""

    code = "repository_closed"
    usual_fix = (
        "Give a credential that may read it: tholos source NAME --username USER --secret-file FILE, "
        "or an administrator one for the whole host: tholos git-credentials set HOST --secret-file FILE"
    )


class RepositoryGone(FetchFailed):
    """Cannot fetch the repository: there is none at its address, or it shows itself to those only who may read it."""

    code = "repository_gone"
    usual_fix = "Check its address, and whether it needs a credential: tholos source NAME --username USER --secret-file FILE"


class RepositoryMoved(FetchFailed):
    """Cannot fetch the repository: its address points elsewhere, and that is not followed."""

    code = "repository_moved"
    usual_fix = "Publish it from the address that it points to, if that is the right one."


class RepositoryEmpty(FetchFailed):
    """Cannot fetch the repository: there is nothing in it yet."""

    code = "repository_empty"
    usual_fix = "Push a commit to it."


class BranchGone(FetchFailed):
    """Cannot fetch the branch: the repository has none of that name."""

    code = "branch_gone"
    usual_fix = "Push it, or follow another one: tholos publish --git URL --branch BRANCH"


class RepositoryUntrusted(FetchFailed):
    """Cannot fetch the repository: its host shows a certificate that is not believed here."""

    code = "repository_untrusted"
    usual_fix = "An operator can name a file with its authority's certificate by the setting sources.ca_file."


class RepositoryTooLarge(FetchFailed):
    """Cannot fetch the repository: it is larger than what is taken."""

    code = "repository_too_large"
    usual_fix = "Take large files out of it; an operator can raise the setting sources.size_limit."


class RepositoryUnsafe(FetchFailed):
    """Cannot fetch the repository: git found something in it that no honest repository holds."""

    code = "repository_unsafe"
    usual_fix = "Run `git fsck --strict` in it, and mend what it names."


class MirrorDamaged(FetchFailed):
    """Cannot read what was fetched of the repository."""

    code = "mirror_damaged"
    usual_fix = "Try again: tholos source NAME --update"


class GitMissing(Unavailable):
    """Cannot fetch any repository: git is not installed here, or too old."""

    code = "git_missing"
    usual_fix = "Install git 2.37 or newer on the server."


class TreeRefused(Invalid):
    """Cannot take this commit: something in it cannot be part of an app."""

    code = "tree_refused"
    usual_fix = "Rename it or take it out, and push that."


class SubdirectoryGone(Invalid):
    """Cannot take this commit: it has no such folder."""

    code = "subdirectory_gone"


class HookRefused(NotSignedIn):
    """Cannot believe this message: it is not signed with the secret of this source."""

    code = "hook_refused"
    usual_fix = (
        "Set the secret at the repository's host to the one that was shown: tholos source NAME --new-secret"
    )


class HookUnreadable(Invalid):
    """Cannot read this message: it is of no form that is known."""

    code = "hook_unreadable"
    usual_fix = "Send JSON, as GitHub, GitLab, Gitea and Forgejo do."
