"""Which apps have a lane of their own past the door, as the table of what serves and the passes that are out say. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from typing import Protocol

from tholos.gateway.fleet import EVERYONE, LANES_KEPT, Bearer, Lane, Stream, Unfit, Way, is_of_token
from tholos.instances.models import SHARED, VISITORS
from tholos.instances.serving import Serving

_LOCAL = "unix:"


class Believed(Protocol):
    """What may be believed without asking."""

    def is_public(self, place: str) -> bool: ...

    def revoked_of(self, place: str) -> tuple[str, ...]: ...

    def bearers_of(self, place: str) -> tuple[Bearer, ...]: ...


class Streaming(Protocol):
    """Whose websockets and event streams have ways of their own."""

    def streams_of(self, place: str) -> tuple[str, ...]: ...

    def instance_of(self, place: str, session: str) -> str:
        """Where the last one of a session's went; empty where that is not known."""


def lanes_of(rows: Iterable[Serving], believed: Believed, app_address: str) -> tuple[Lane, ...]:
    """Those that are awake, in the order of their hosts; an app that cannot be told to the proxy goes by the door.

    Args:
        rows: what serves.
        believed: who is.
        app_address: the host of an app and what stands before its own paths, with ``{name}`` in either.
    """
    lanes = []
    for row in rows:
        if not is_fit(row) or (row.rules.personal and not _among(row)):
            continue
        lane = _lane(
            row,
            app_address,
            believed.revoked_of(row.place),
            believed.bearers_of(row.place),
            is_public=not row.draft and believed.is_public(row.place),
        )
        if lane is not None:
            lanes.append(lane)
    return tuple(sorted(lanes))


def streams_of(lanes: Iterable[Lane], streaming: Streaming) -> tuple[Stream, ...]:
    """Those of everybody at what is live; of several instances a session's go to the one that the door took them to."""
    return tuple(
        Stream(lane.place, session, way.instance, way.socket)
        for lane in lanes
        for session in streaming.streams_of(lane.place)
        for way in _ways_of(lane, session, streaming)
    )


def _ways_of(lane: Lane, session: str, streaming: Streaming) -> Iterable[Way]:
    if not lane.among:
        return lane.ways
    if session == EVERYONE:
        return (way for way in lane.ways if way.whose in {"", EVERYONE})
    if is_of_token(session) and not any(way.whose for way in lane.among):
        return ()  # programs keep no cookie: of several the door chooses one for each
    known = streaming.instance_of(lane.place, session)
    return (way for way in lane.ways if way.instance == known)


def is_fit(row: Serving) -> bool:
    """Whether the proxy can reach it."""
    return row.address.startswith(_LOCAL)


def way_of(instance: str, address: str) -> Way | None:
    """None where the proxy cannot reach it, or be told of it."""
    try:
        return Way(instance, address.removeprefix(_LOCAL)) if address.startswith(_LOCAL) else None
    except Unfit:
        return None


def _among(row: Serving) -> tuple[Way, ...]:
    """All instances where there may be several; one that waits for whoever comes has no way, as the door gives it away."""
    if row.rules.personal:
        found = [one for one in row.ready if one.whose != SHARED]
    else:
        found = [*row.ready[: row.rules.max_instances]] if row.rules.max_instances > 1 else []
    whose = {SHARED: "", VISITORS: EVERYONE}
    return tuple(
        Way(one.instance, one.address.removeprefix(_LOCAL), whose.get(one.whose, one.whose))
        for one in found
        if one.address.startswith(_LOCAL)
    )


@lru_cache(maxsize=LANES_KEPT)
def _lane(
    row: Serving,
    app_address: str,
    revoked: tuple[str, ...],
    bearers: tuple[Bearer, ...],
    *,
    is_public: bool,
) -> Lane | None:
    """None for one that cannot be told to the proxy. The same for the same: nothing is made anew of what did not change."""
    host, slash, path = app_address.format(name=row.name).partition("/")
    with suppress(Unfit):
        return Lane(
            prefix=slash + path,
            among=_among(row),
            host=host,
            place=row.place,
            access_version=row.access_version,
            instance=row.instance,
            socket=row.address.removeprefix(_LOCAL),
            app="" if row.draft else row.app_id,
            release=row.release,
            name=row.name,
            is_public=is_public,
            revoked=revoked,
            bearers=bearers,
        )
    return None
