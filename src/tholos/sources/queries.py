"""Every SELECT of sources, their credentials and their commits."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select

from tholos.kit.db import ReadDb
from tholos.sources.errors import CredentialNotFound, SourceNotFound
from tholos.sources.models import GitCredential, Source, SourceCommit


def get_source(db: ReadDb, source_id: str) -> Source:
    found = db.get(Source, source_id)
    if found is None:
        raise SourceNotFound
    return found


def find_source(db: ReadDb, source_id: str) -> Source | None:
    return db.get(Source, source_id)


def find_of_app(db: ReadDb, app_id: str) -> Source | None:
    return db.scalar(select(Source).where(Source.app_id == app_id))


def list_polled(db: ReadDb) -> Sequence[Source]:
    chosen = select(Source).where(Source.is_polled, Source.paused_at.is_(None))
    return db.scalars(chosen.order_by(Source.id)).all()


def list_waiting(db: ReadDb) -> Sequence[str]:
    """Ids of those for which something was asked while they were busy, the oldest first."""
    chosen = select(Source.id).where(Source.waiting_since.is_not(None))
    return db.scalars(chosen.order_by(Source.waiting_since, Source.id)).all()


def list_all(db: ReadDb) -> Sequence[Source]:
    return db.scalars(select(Source).order_by(Source.id)).all()


def list_credentials(db: ReadDb, organization_id: str) -> Sequence[GitCredential]:
    """Those of hosts."""
    chosen = select(GitCredential).where(GitCredential.organization_id == organization_id)
    return db.scalars(chosen.where(GitCredential.app_id.is_(None)).order_by(GitCredential.origin)).all()


def list_of_app(db: ReadDb, app_id: str) -> Sequence[GitCredential]:
    chosen = select(GitCredential).where(GitCredential.app_id == app_id)
    return db.scalars(chosen.order_by(GitCredential.origin)).all()


def find_credential(
    db: ReadDb, organization_id: str, app_id: str | None, origin: str
) -> GitCredential | None:
    """Exactly that of an app, or of a host."""
    chosen = select(GitCredential).where(
        GitCredential.organization_id == organization_id, GitCredential.origin == origin
    )
    is_of = GitCredential.app_id.is_(None) if app_id is None else GitCredential.app_id == app_id
    return db.scalar(chosen.where(is_of))


def find_usable(db: ReadDb, source: Source, origin: str) -> GitCredential | None:
    """An app's own, else the host's."""
    chosen = select(GitCredential).where(
        GitCredential.organization_id == source.organization_id,
        GitCredential.origin == origin,
        or_(GitCredential.app_id == source.app_id, GitCredential.app_id.is_(None)),
    )
    return db.scalar(chosen.order_by(GitCredential.app_id.is_(None)).limit(1))


def get_host_credential(db: ReadDb, organization_id: str, credential_id: str) -> GitCredential:
    found = db.get(GitCredential, credential_id)
    if found is None or found.organization_id != organization_id or found.app_id is not None:
        raise CredentialNotFound
    return found


def find_commit(db: ReadDb, operation_id: str) -> SourceCommit | None:
    return db.scalar(select(SourceCommit).where(SourceCommit.operation_id == operation_id))


def find_commit_of_release(db: ReadDb, app_id: str, number: int) -> SourceCommit | None:
    chosen = select(SourceCommit).where(SourceCommit.app_id == app_id, SourceCommit.release == number)
    return db.scalar(chosen.order_by(SourceCommit.id.desc()).limit(1))


def list_of_releases(db: ReadDb, app_id: str, numbers: Sequence[int]) -> Sequence[SourceCommit]:
    """Those that became one of these releases, the oldest first."""
    chosen = select(SourceCommit).where(SourceCommit.app_id == app_id, SourceCommit.release.in_(numbers))
    return db.scalars(chosen.order_by(SourceCommit.id)).all()


def list_commits(db: ReadDb, app_id: str, before: str | None, limit: int) -> Sequence[SourceCommit]:
    """The newest first; those that were tried before one, where it is given."""
    chosen = select(SourceCommit).where(SourceCommit.app_id == app_id)
    if before is not None:
        chosen = chosen.where(SourceCommit.id < before)
    return db.scalars(chosen.order_by(SourceCommit.id.desc()).limit(limit)).all()


def list_older(db: ReadDb, app_id: str, keep: int) -> Sequence[SourceCommit]:
    """All but the newest."""
    chosen = select(SourceCommit).where(SourceCommit.app_id == app_id)
    return db.scalars(chosen.order_by(SourceCommit.id.desc()).offset(keep)).all()
