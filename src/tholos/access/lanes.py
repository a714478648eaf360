"""Which apps have a lane of their own past the door, as the table of what serves and the passes that are out say. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from tholos.gateway.fleet import Lane, Unfit
from tholos.instances.serving import Serving

_LOCAL = "unix:"


class Believed(Protocol):
    """What may be believed without asking."""

    def is_public(self, place: str) -> bool: ...

    def revoked_of(self, place: str) -> tuple[str, ...]: ...


def lanes_of(rows: Iterable[Serving], believed: Believed, app_host: str) -> tuple[Lane, ...]:
    """Those that are awake, in the order of their hosts; an app that cannot be told to the proxy goes by the door.

    Args:
        rows: what serves.
        believed: who is.
        app_host: the host of an app, with ``{name}`` in it.
    """
    if "{name}" not in app_host:
        return ()  # under paths what stands before an app's own is the door's to take away
    lanes = []
    for row in rows:
        if not _is_fit(row):
            continue
        try:
            lanes.append(_lane(row, believed, app_host))
        except Unfit:
            continue
    return tuple(sorted(lanes))


def _is_fit(row: Serving) -> bool:
    """Whether nothing is lost where the door does not see its requests: it chooses among several instances."""
    is_one = row.rules.max_instances == 1 and not row.rules.personal
    return is_one and row.address.startswith(_LOCAL)


def _lane(row: Serving, believed: Believed, app_host: str) -> Lane:
    """Raises: Unfit."""
    return Lane(
        host=app_host.format(name=row.name),
        place=row.place,
        access_version=row.access_version,
        instance=row.instance,
        socket=row.address.removeprefix(_LOCAL),
        app="" if row.draft else row.app_id,
        release=row.release,
        name=row.name,
        is_public=not row.draft and believed.is_public(row.place),
        revoked=believed.revoked_of(row.place),
    )
