"""What to do so that what runs is what should run. Pure: facts in, actions out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tholos.instances.models import ACTIVE, LEAVING, SHARED, InstanceState
from tholos.runtime.model import PLATFORM_PREFIX, ProcessState


@dataclass(frozen=True, slots=True)
class Seen:
    """An instance's row that has not ended."""

    id: str
    app_id: str
    release_id: str
    state: InstanceState
    is_held: bool
    """An operation that has not ended started it."""
    ready_at: datetime | None = None
    whose: str = SHARED

    @property
    def is_own(self) -> bool:
        """Somebody's own, which nobody else comes to."""
        return self.whose != SHARED


@dataclass(frozen=True, slots=True, order=True)
class Wanted:
    """A release that should run."""

    app_id: str
    release_id: str
    least: int = 1
    """How many instances it has at least; with those that are somebody's own not counted."""
    most: int = 1
    """And how many at most, once all of them answer; those counted."""
    is_personal: bool = False
    """Instances may be somebody's own."""


@dataclass(frozen=True, slots=True)
class Start:
    """A release that should run has too few instances: start one more."""

    app_id: str
    release_id: str
    beside: int = 0
    """How many it has."""


@dataclass(frozen=True, slots=True)
class Retire:
    """Of no release that should run, or another stands for it, and nobody holds it: let it finish, then stop it."""

    instance: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The launcher knows no process of it."""

    instance: str


@dataclass(frozen=True, slots=True)
class GoOn:
    """Its process waits to become it, and whoever was about to tell it so has ended: tell it."""

    instance: str


@dataclass(frozen=True, slots=True)
class Stray:
    """The launcher runs something that nobody knows: stop it."""

    instance: str


REPLACEABLE = frozenset({InstanceState.READY, InstanceState.FAILED})
"""What another instance of the same release that answers makes superfluous."""

Action = Start | Retire | Lost | GoOn | Stray


def plan(
    wanted: Collection[Wanted],
    rows: Sequence[Seen],
    processes: Mapping[str, ProcessState],
    launching: Collection[str] = (),
    one_offs: Collection[str] = (),
    kept: Collection[str] = (),
    waiting: Collection[str] = (),
) -> list[Action]:
    """The actions that bring rows and processes to what should be.

    Args:
        wanted: the releases that should run: live ones and drafts.
        rows: instances that have not ended.
        processes: what the launcher knows, by instance.
        launching: instances whose start is being asked for right now; they are left alone.
        one_offs: processes of operations that have not ended; they are theirs to end.
        kept: releases that may go on running a while, and are not started again.
        waiting: processes that wait to become an instance.
    """
    unaware = {*waiting} - {*launching}
    lost = {row.id for row in rows if _is_lost(row, processes, launching)}
    standing = [row for row in rows if row.id not in lost]
    personal = {one.release_id for one in wanted if one.is_personal}
    leaving = [row for row in standing if row.is_own and not _may_stay(row, personal)]
    shared = [row for row in standing if not row.is_own]
    staying = [row for row in standing if row not in leaving]
    return [
        *(Lost(one) for one in sorted(lost)),
        *(GoOn(row.id) for row in standing if row.state == InstanceState.STARTING and row.id in unaware),
        *_to_start(wanted, staying),
        *_to_retire({**dict.fromkeys(kept, 1), **{one.release_id: one.most for one in wanted}}, shared),
        *(Retire(row.id) for row in leaving),
        *_to_stop({*(row.id for row in standing), *launching, *one_offs}, processes),
    ]


def _is_lost(row: Seen, processes: Mapping[str, ProcessState], launching: Collection[str]) -> bool:
    # One that was given up has no process and keeps its row: that is what says not to try again.
    return row.id not in processes and row.id not in launching and row.state != InstanceState.FAILED


def _to_start(wanted: Collection[Wanted], standing: Sequence[Seen]) -> Iterator[Action]:
    active = Counter((row.release_id, row.is_own) for row in standing if row.state in ACTIVE)
    for one in sorted(wanted):
        shared, own = active[one.release_id, False], active[one.release_id, True]
        if shared < one.least and (not own or shared + own < one.most):
            yield Start(one.app_id, one.release_id, shared)


def _may_stay(row: Seen, personal: Collection[str]) -> bool:
    """Whether somebody may keep their own; one that was given up makes room for another."""
    stands = row.state not in LEAVING and row.state != InstanceState.FAILED
    return row.is_held or (stands and row.release_id in personal)


def _to_retire(may_run: Mapping[str, int], standing: Sequence[Seen]) -> Iterator[Action]:
    """``may_run`` says how many instances a release may have; where so many answer, the newest stand for it."""
    answering: defaultdict[str, list[Seen]] = defaultdict(list)
    for row in standing:
        if row.state == InstanceState.READY and not row.is_held:
            answering[row.release_id].append(row)
    for row in standing:
        most = may_run.get(row.release_id, 1)
        newest = sorted(answering[row.release_id], key=_newness)[-most:]
        is_replaced = len(newest) == most and row not in newest and row.state in REPLACEABLE
        may_stay = row.release_id in may_run and row.state not in LEAVING and not is_replaced
        if not may_stay and not row.is_held:
            yield Retire(row.id)


def _newness(row: Seen) -> tuple[bool, float, str]:
    return row.ready_at is not None, row.ready_at.timestamp() if row.ready_at else 0.0, row.id


def _to_stop(known: Collection[str], processes: Mapping[str, ProcessState]) -> Iterator[Action]:
    for instance, state in sorted(processes.items()):
        is_ours = instance.startswith(PLATFORM_PREFIX)
        if (
            not is_ours
            and instance not in known
            and state not in {ProcessState.STOPPING, ProcessState.EXITED}
        ):
            yield Stray(instance)
