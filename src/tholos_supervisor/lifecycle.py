"""The life of an instance: one table of transitions and pure functions that make them. No I/O, no clock.

``instance`` acts on what these return.
"""

from __future__ import annotations

import signal

from tholos_supervisor.model import End, Spec, Status
from tholos_supervisor.sandbox import Sandbox

RUNNING, BACKOFF, STOPPING, EXITED, FAILED = "running", "backoff", "stopping", "exited", "failed"

TRANSITIONS: dict[str, frozenset[str]] = {
    RUNNING: frozenset({RUNNING, BACKOFF, STOPPING, EXITED, FAILED}),
    BACKOFF: frozenset({RUNNING, EXITED, FAILED}),
    STOPPING: frozenset({EXITED}),
    EXITED: frozenset(),
    FAILED: frozenset(),
}
"""From each state to those that may follow; EXITED and FAILED are for good. A first start enters by BACKOFF."""

FIRST_DELAY_S = 0.1
LONGEST_DELAY_S = 30.0
NO_SECRETS_LEFT = "it cannot be started again as it was, because its secrets went with an earlier supervisor"
"""Whoever asked for it has them and can ask for another one: hence EXITED, not FAILED."""
LONGEST_REASON = 500
"""Characters: a reason is a sentence, also where a path in it is not."""


def fresh(spec: Spec) -> Status:
    """The status before the first start: due at once."""
    return Status(spec.instance, BACKOFF, waits=spec.waits)


def started(status: Status, pid: int, now: float) -> Status:
    return _move(status, RUNNING)._replace(
        pid=pid, started_at=now, ended_at=None, next_start_at=None, reason=f"started, pid {pid}"
    )


def not_started(status: Status, reason: str, now: float) -> Status:
    """It could not be executed at all: trying again would change nothing."""
    return _move(status, FAILED)._replace(
        pid=None, ended_at=now, next_start_at=None, reason=reason[:LONGEST_REASON]
    )


def stopping(status: Status, now: float) -> Status:
    """It was told to stop. What waits for its next start has nothing to end; what ended stays as it is."""
    if status.state == RUNNING:
        return _move(status, STOPPING)._replace(reason="told to stop")
    if status.state == BACKOFF:
        reason = "stopped while it waited for its next start"
        return _move(status, EXITED)._replace(
            ended_at=status.ended_at or now, next_start_at=None, reason=reason
        )
    return status


def warmed(status: Status) -> Status:
    """It has done what it can before it is told to go on."""
    return _move(status, RUNNING)._replace(is_warm=True)


def gone_on(status: Status) -> Status:
    """It waits no more."""
    return _move(status, RUNNING)._replace(waits=False, is_warm=False)


def proved_stable(status: Status) -> Status:
    """It has run for ``stable_s``: its earlier ends no longer count."""
    return _move(status, RUNNING)._replace(ends=0)


def ended(spec: Spec, status: Status, end: End, now: float, *, lacks_secrets: bool = False) -> Status:
    """The process ended: for good where that was asked for or happened too often, else it waits for its turn."""
    how = describe(end)
    over = status._replace(pid=None, ended_at=now, exit_code=end.exit_code, is_warm=False)
    if status.state == STOPPING:
        return _move(over, EXITED)._replace(reason=f"{how}, after it was told to stop")
    if spec.waits:
        return _move(over, FAILED)._replace(reason=f"{how}, while it waited")
    ends = 1 if end.ran_s >= spec.stable_s else status.ends + 1
    if ends > spec.restarts:
        reason = how if ends == 1 else f"{how}; it ended by itself {ends} times in a row"
        return _move(over, FAILED)._replace(ends=ends, reason=reason)
    if lacks_secrets:
        return _move(over, EXITED)._replace(ends=ends, reason=f"{how}; {NO_SECRETS_LEFT}")
    return _move(over, BACKOFF)._replace(ends=ends, next_start_at=now + delay_s(ends), reason=how)


def not_restarted(status: Status) -> Status:
    """It waited for its next start, which cannot be."""
    reason = f"{status.reason}; {NO_SECRETS_LEFT}"[:LONGEST_REASON]
    return _move(status, EXITED)._replace(next_start_at=None, reason=reason)


def delay_s(ends: int) -> float:
    """Seconds before the next start after so many ends in a row: 0.1, doubled each time, at most 30."""
    return min(FIRST_DELAY_S * 2.0 ** min(ends - 1, 30), LONGEST_DELAY_S)


def describe(end: End) -> str:
    """One clause for people."""
    if end.exit_code is None:
        if end.seen:
            return "ended with an unknown exit code, because the supervisor was restarted meanwhile"
        return "ended while the supervisor was away, with an unknown exit code"
    if end.exit_code < 0:
        return f"killed by {_signal_name(-end.exit_code)} after {seconds(end.ran_s)}{_because(end)}"
    return f"exited with code {end.exit_code} after {seconds(end.ran_s)}{_because(end)}"


def unwrapped(exit_code: int | None) -> int | None:
    """An exit code that bubblewrap tells: of a signal, it is 128 more than its number."""
    return 128 - exit_code if exit_code is not None and 128 < exit_code <= 128 + signal.NSIG else exit_code


def over_limits(sandbox: Sandbox, kills: int, refusals: int) -> str:
    """Which limit it met, as a clause; nothing where it met none.

    Args:
        sandbox: its limits.
        kills: how many of its processes the kernel ended for lack of memory.
        refusals: how many further processes were refused.
    """
    if kills and sandbox.memory:
        return f"it used more than its {sandbox.memory >> 20:,} MB of memory"
    if refusals and sandbox.processes:
        return f"it wanted more than its {sandbox.processes:,} processes"
    return ""


def _because(end: End) -> str:
    return f": {end.why}" if end.why else ""


def seconds(value: float) -> str:
    return f"{value:.1f} s" if value < 100 else f"{value:.0f} s"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _move(status: Status, state: str) -> Status:
    if state not in TRANSITIONS[status.state]:
        raise ValueError(f"{status.instance}: {status.state} cannot become {state}")
    return status._replace(state=state)
