"""Use cases of credentials for hosts of repositories: an app's own, and those that administrators keep for all apps.

Each is for one scheme, host and port, and shown to no other, whatever an app follows later.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

from tholos.accounts.service import Actor
from tholos.apps import service as apps
from tholos.apps.models import App
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.kit import ids
from tholos.kit.db import ReadDb, WriteDb
from tholos.kit.sealing import Sealer
from tholos.sources import queries, remotes
from tholos.sources.errors import CredentialInvalid, CredentialNotFound, SourceNotFound
from tholos.sources.git import Secret
from tholos.sources.models import GitCredential, Source

MOST_USERNAME = 200
MOST_SECRET = 16_000


def about(credential: GitCredential) -> str:
    """What a credential's secret is sealed with."""
    return f"git credential {credential.id}"


def list_of_hosts(db: ReadDb, actor: Actor) -> Sequence[GitCredential]:
    return queries.list_credentials(db, actor.organization_id)


def find_own(db: ReadDb, source: Source) -> GitCredential | None:
    """The app's own, for the repository that it follows."""
    origin = remotes.read_kept(source.url).origin
    return queries.find_credential(db, source.organization_id, source.app_id, origin)


def set_for_host(
    db: WriteDb, sealer: Sealer, actor: Actor, host: str, username: str, value: str, now: datetime
) -> GitCredential:
    """Keep what a host is shown for every app that has no credential of its own. For administrators; the edge has asked.

    Raises: RepositoryInvalid, CredentialInvalid.
    """
    credential = _keep(db, sealer, actor, None, remotes.parse_origin(host), username, value, now)
    audit.record(
        db, actor, Action.GIT_CREDENTIAL_SET, subject_of(credential), now, after={"username": username}
    )
    return credential


def remove_of_host(db: WriteDb, actor: Actor, credential_id: str, now: datetime) -> None:
    """Raises: CredentialNotFound."""
    credential = queries.get_host_credential(db, actor.organization_id, credential_id)
    audit.record(db, actor, Action.GIT_CREDENTIAL_REMOVED, subject_of(credential), now)
    db.delete(credential)


def set_for_app(
    db: WriteDb, sealer: Sealer, actor: Actor, name: str, username: str, value: str, now: datetime
) -> GitCredential:
    """Keep what the host of the repository that an app follows is shown for that app.

    Raises: AppNotFound, NotAnEditor, SourceNotFound, CredentialInvalid.
    """
    app = apps.get_editable(db, actor, name)
    source = queries.find_of_app(db, app.id)
    if source is None:
        raise SourceNotFound
    origin = remotes.read_kept(source.url).origin
    return keep_for_app(db, sealer, actor, app, origin, username, value, now)


def keep_for_app(
    db: WriteDb,
    sealer: Sealer,
    actor: Actor,
    app: App,
    origin: str,
    username: str,
    value: str,
    now: datetime,
) -> GitCredential:
    """Raises: CredentialInvalid."""
    if not origin:
        raise CredentialInvalid(
            "Cannot keep a credential for a folder: it needs none.", fix="Leave it out.", where="credential"
        )
    credential = _keep(db, sealer, actor, app.id, origin, username, value, now)
    audit.record(
        db, actor, Action.GIT_CREDENTIAL_SET, apps.subject_of(app), now,
        after={"host": origin, "username": username},
    )  # fmt: skip
    return credential


def remove_of_app(db: WriteDb, actor: Actor, name: str, now: datetime) -> None:
    """Forget all that an app has of its own.

    Raises: AppNotFound, NotAnEditor, CredentialNotFound.
    """
    app = apps.get_editable(db, actor, name)
    found = queries.list_of_app(db, app.id)
    if not found:
        raise CredentialNotFound("This app has no credential of its own.", fix="There is nothing to forget.")
    for credential in found:
        audit.record(
            db,
            actor,
            Action.GIT_CREDENTIAL_REMOVED,
            apps.subject_of(app),
            now,
            before={"host": credential.origin},
        )
        db.delete(credential)


def find_secret(db: ReadDb, sealer: Sealer, source: Source) -> Secret:
    """What the repository's host is shown for an app; nothing where nobody gave anything.

    Raises: CannotOpen.
    """
    origin = remotes.read_kept(source.url).origin
    found = queries.find_usable(db, source, origin) if origin else None
    if found is None:
        return Secret()
    return Secret(found.id, found.username, sealer.open(found.sealed, about(found)))


def subject_of(credential: GitCredential) -> audit.Subject:
    return audit.Subject("git_credential", credential.id, credential.origin)


def _keep(
    db: WriteDb,
    sealer: Sealer,
    actor: Actor,
    app_id: str | None,
    origin: str,
    username: str,
    value: str,
    now: datetime,
) -> GitCredential:
    value = _check_key(value) if origin.startswith("ssh:") else _check_password(username, value)
    found = queries.find_credential(db, actor.organization_id, app_id, origin)
    if found is not None:
        db.delete(found)  # a new one has a new id, so that mirrors of the former are none of its own
        db.flush()
    credential = GitCredential(
        id=ids.new_id("gcr"),
        organization_id=actor.organization_id,
        app_id=app_id,
        origin=origin,
        username=username,
        changed_at=now,
    )
    credential.sealed = sealer.seal(value, about(credential))
    db.add(credential)
    db.flush()
    return credential


def _check_password(username: str, value: str) -> str:
    value = value.strip("\r\n")
    is_fit = username and value and username.isprintable() and value.isprintable() and ":" not in username
    if not is_fit or len(username) > MOST_USERNAME or len(value) > MOST_SECRET:
        raise CredentialInvalid(
            "Cannot keep this credential: it needs a user name without a colon and a password or token, each in one line.",
            fix="Give both as the repository's host shows them; for a token it says which name goes with it.",
            where="credential",
        )
    return value


def _check_key(value: str) -> str:
    text = value.strip().replace("\r\n", "\n") + "\n"
    is_ours = "OPENSSH PRIVATE KEY" in text[:100]
    try:
        data = text.encode("ascii")
        _ = load_ssh_private_key(data, None) if is_ours else load_pem_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CredentialInvalid(
            "Cannot keep this credential: for ssh it has to be a private key without a passphrase.",
            fix="Make one by `ssh-keygen -t ed25519 -N ''`, and give its public half to the repository's host.",
            where="credential",
        ) from error
    return text
