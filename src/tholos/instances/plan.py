"""What to do so that what runs is what should run. Pure: facts in, actions out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tholos.instances.models import ACTIVE, LEAVING, InstanceState
from tholos.runtime.model import ProcessState


@dataclass(frozen=True, slots=True)
class Seen:
    """An instance's row that has not ended."""

    id: str
    app_id: str
    release_id: str
    state: InstanceState
    is_held: bool
    """An operation that has not ended started it."""


@dataclass(frozen=True, slots=True)
class Start:
    """The live release has no instance: start one."""

    app_id: str
    release_id: str


@dataclass(frozen=True, slots=True)
class Retire:
    """Not the live release's and nobody holds it: let it finish what it has, then stop it."""

    instance: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The launcher knows no process of it."""

    instance: str


@dataclass(frozen=True, slots=True)
class Stray:
    """The launcher runs something that nobody knows: stop it."""

    instance: str


Action = Start | Retire | Lost | Stray


def plan(
    live: Mapping[str, str],
    rows: Sequence[Seen],
    processes: Mapping[str, ProcessState],
    launching: Collection[str] = (),
    one_offs: Collection[str] = (),
) -> list[Action]:
    """The actions that bring rows and processes to what should be.

    Args:
        live: the live release of each app, by app id.
        rows: instances that have not ended.
        processes: what the launcher knows, by instance.
        launching: instances whose start is being asked for right now; they are left alone.
        one_offs: processes of operations that have not ended; they are theirs to end.
    """
    lost = {row.id for row in rows if _is_lost(row, processes, launching)}
    standing = [row for row in rows if row.id not in lost]
    return [
        *(Lost(one) for one in sorted(lost)),
        *_to_start(live, standing),
        *_to_retire(live, standing),
        *_to_stop({*(row.id for row in standing), *launching, *one_offs}, processes),
    ]


def _is_lost(row: Seen, processes: Mapping[str, ProcessState], launching: Collection[str]) -> bool:
    # One that was given up has no process and keeps its row: that is what says not to try again.
    return row.id not in processes and row.id not in launching and row.state != InstanceState.FAILED


def _to_start(live: Mapping[str, str], standing: Sequence[Seen]) -> Iterator[Action]:
    served = {row.release_id for row in standing if row.state in ACTIVE}
    return (Start(app, release) for app, release in sorted(live.items()) if release not in served)


def _to_retire(live: Mapping[str, str], standing: Sequence[Seen]) -> Iterator[Action]:
    for row in standing:
        is_wanted = live.get(row.app_id) == row.release_id and row.state not in LEAVING
        if not is_wanted and not row.is_held:
            yield Retire(row.id)


def _to_stop(known: Collection[str], processes: Mapping[str, ProcessState]) -> Iterator[Action]:
    for instance, state in sorted(processes.items()):
        if instance not in known and state not in {ProcessState.STOPPING, ProcessState.EXITED}:
            yield Stray(instance)
