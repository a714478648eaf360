"""One instance: does what its record says should happen next, and records what did.

Pure decisions are ``lifecycle``'s. Every change is on disk before it is announced; where the disk refuses,
it is tried again every second and nobody is told meanwhile.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from tholos_supervisor import cgroups, folders, lifecycle, processes, spawn
from tholos_supervisor.growth import Growth
from tholos_supervisor.lifecycle import BACKOFF, RUNNING, STOPPING
from tholos_supervisor.loop import Loop, Timer
from tholos_supervisor.model import NO_SECRETS, End, Identity, Record, Refused, Spec, Status
from tholos_supervisor.records import Records
from tholos_supervisor.tending import TendedLog
from tholos_supervisor.word import Word

RETRY_S = 1.0
SWEEP_S = 0.01
LONGEST_SWEEP_S = 1.0


class House(Protocol):
    """What an instance needs of its supervisor."""

    loop: Loop
    records: Records
    growth: Growth

    def groups_for(self, spec: Spec) -> cgroups.Groups: ...

    def announce(self, status: Status) -> None: ...


def new_record(spec: Spec) -> Record:
    """The record of an instance that was never started."""
    return Record(spec, lifecycle.fresh(spec), os.urandom(16).hex(), has_secrets=bool(spec.secrets))


class Instance:
    """Owns the process group of one spec, through all its starts."""

    def __init__(self, house: House, record: Record) -> None:
        self.shown = record.status
        """What clients may know: what is on disk."""
        self._house = house
        self._record = record
        self._log: TendedLog | None = None
        self._timer: Timer | None = None
        self._saving: Timer | None = None
        self._pidfd: int | None = None
        self._word: Word | None = None
        """The way to one that waits; a supervisor that ends takes it along, and what waited ends."""

    @property
    def pid(self) -> int | None:
        """Of the process that is alive, or ended and not reaped."""
        identity = self._record.identity
        return identity.pid if identity and self._record.end is None else None

    @property
    def is_over(self) -> bool:
        return not lifecycle.TRANSITIONS[self._record.status.state] and self._saving is None

    @property
    def is_live(self) -> bool:
        return self._record.identity is not None

    def start(self) -> None:
        """Start for the first time.

        Raises:
            OSError: it could not be recorded; nothing runs.
        """
        try:
            self._launch()
        except spawn.CannotStart as reason:
            self._fail(str(reason))

    def stop(self) -> None:
        """Ask it to end; does nothing where it is ending or has ended."""
        before = self._record
        status = lifecycle.stopping(before.status, time.time())
        if status is before.status:
            return
        self._cancel_timer()
        if status.state != STOPPING:
            self._settle(before._replace(status=status))
            return
        grace_s = before.spec.grace_s
        self._commit(before._replace(status=status, kill_at=time.time() + grace_s))
        if before.end is not None:
            self._sweep(SWEEP_S)
            return
        self._mark(f"asked to stop, pid {status.pid}")
        self._terminate(grace_s)

    def resume(self) -> None:
        """Take up what the record says, after the supervisor was away."""
        record = self._record
        state = record.status.state
        if state == BACKOFF and record.lacks_secrets:
            self._settle(record._replace(status=lifecycle.not_restarted(record.status)))
        elif state == BACKOFF:
            due = record.status.next_start_at or 0.0
            # A clock that was set back must not delay the start for ever.
            wait_s = min(max(due - time.time(), 0.0), lifecycle.LONGEST_DELAY_S)
            self._timer = self._house.loop.after(wait_s, self._restart)
        elif state in {RUNNING, STOPPING}:
            self._open_log()
            if record.end is not None:
                self._sweep(SWEEP_S)
            elif not self._attach():
                self.ended(None, seen=False)

    def ended(self, exit_code: int | None, *, seen: bool = True) -> None:
        """The leader has ended. What it left behind is ended too, before anybody is told."""
        self._cancel_timer()
        self._detach()
        self._lose_word()
        record = self._record
        if record.identity is None or record.end is not None:
            return
        ran_s = max(processes.boot_seconds() - record.started_boot, 0.0)
        same_boot = record.identity.boot == processes.BOOT
        end = End(self._told(exit_code), ran_s if same_boot else 0.0, seen, self._over_limits())
        self._record = record._replace(end=end)
        if self._kill_family():
            self._commit(self._record)
            self._timer = self._house.loop.after(SWEEP_S, lambda: self._sweep(SWEEP_S))
        else:
            self._finish()

    def go_on(self, spec: Spec) -> None:
        """Let one that waits go on, if this is what it waits to be; does nothing where it does not wait.

        Raises:
            Refused: it is another one or has ended, or it could not be recorded.
        """
        before = self._record
        if not before.spec.waits or spec.waits:
            return
        if self._word is None or before.status.state != RUNNING or before.spec._replace(waits=False) != spec:
            raise Refused("another_spec", f"Cannot let {spec.instance} go on: it waits to be something else.")
        after = before._replace(spec=spec, status=lifecycle.gone_on(before.status))
        try:
            self._house.records.write(after)
        except OSError as error:
            message = f"Cannot let {spec.instance} go on: it could not be recorded ({error.strerror})."
            raise Refused("unavailable", message) from None
        self._record = after
        self._mark(f"goes on, pid {after.status.pid}")
        self._try("tell it to go on", self._word.say)
        self._lose_word()
        self._announce()

    def close(self) -> None:
        """Let go of everything and end nothing."""
        self._cancel_timer()
        self._detach()
        self._lose_word()
        if self._saving is not None:
            self._saving.cancel()
        self._close_log()

    def _warmed(self) -> None:
        """It says that it has done what it can."""
        record = self._record
        if record.spec.waits and record.status.state == RUNNING and record.end is None:
            self._commit(record._replace(status=lifecycle.warmed(record.status)))

    def _lose_word(self) -> None:
        if self._word is not None:
            self._word.close()
            self._word = None

    def _restart(self) -> None:
        self._timer = None
        waiting = self._record
        try:
            self._launch()
        except spawn.CannotStart as reason:
            self._fail(str(reason))
        except OSError as error:
            self._complain("record a start", error)
            self._commit(
                waiting._replace(status=waiting.status._replace(next_start_at=time.time() + RETRY_S))
            )
            self._timer = self._house.loop.after(RETRY_S, self._restart)

    def _launch(self) -> None:
        spec = self._record.spec
        self._remove_socket()
        self._open_log()
        if self._log is None:
            return
        groups = self._house.groups_for(spec)
        self._record = self._record._replace(groups=groups)
        self._make_socket_folder()
        self._word = word = Word(self._house.loop, self._warmed) if spec.waits else None
        try:
            their_end = word.theirs if word else None
            spawn.spawn(spec, self._record.mark, self._log.fd, self._record_start, groups, their_end)
        finally:
            if word is not None:
                word.give_away()
        self._announce()
        self._expect_stability()

    def _record_start(self, identity: Identity) -> None:
        before = self._record
        after = before._replace(
            status=lifecycle.started(before.status, identity.pid, time.time()),
            identity=identity,
            started_boot=processes.boot_seconds(),
            kill_at=None,
            end=None,
        )
        self._house.records.write(after)
        self._record = after
        self._mark(f"started, pid {identity.pid}")

    def _fail(self, reason: str) -> None:
        self._mark(reason)
        status = lifecycle.not_started(self._record.status, reason, time.time())
        self._settle(self._record._replace(status=status, identity=None))

    def _attach(self) -> bool:
        """Watch a process that is not our child; no where it has ended."""
        record = self._record
        self._pidfd = processes.open_pidfd(record.identity) if record.identity else None
        if self._pidfd is None:
            return False
        self._house.loop.watch(self._pidfd, lambda: self.ended(None))
        if record.status.state == STOPPING:
            left_s = (record.kill_at or 0.0) - time.time()
            self._terminate(min(max(left_s, 0.0), record.spec.grace_s))
        else:
            self._expect_stability()
        return True

    def _terminate(self, grace_s: float) -> None:
        record = self._record
        if record.identity is not None and record.spec.sandbox is not None and record.spec.sandbox.bubblewrap:
            processes.terminate_wrapped(record.identity)
        elif record.identity is not None:
            processes.terminate_group(record.identity)
        self._timer = self._house.loop.after(grace_s, self._lose_patience)

    def _lose_patience(self) -> None:
        self._mark(f"did not stop within {lifecycle.seconds(self._record.spec.grace_s)}, killed")
        self._kill(SWEEP_S)

    def _kill(self, wait_s: float) -> None:
        """KILL until the end of the leader is reported."""
        self._kill_family()
        self._timer = self._house.loop.after(wait_s, lambda: self._kill(min(wait_s * 2, LONGEST_SWEEP_S)))

    def _sweep(self, wait_s: float) -> None:
        """KILL until nothing is left of a group whose leader has ended."""
        self._cancel_timer()
        if self._kill_family():
            again_s = min(wait_s * 2, LONGEST_SWEEP_S)
            self._timer = self._house.loop.after(wait_s, lambda: self._sweep(again_s))
        else:
            self._finish()

    def _kill_family(self) -> bool:
        """Whether there was anything to kill."""
        record = self._record
        if record.identity is None:
            return False
        were_there = cgroups.kill(record.groups)
        family = processes.family(record.identity, record.mark)
        killed = [process for process in family if processes.send(process, signal.SIGKILL)]
        return were_there or bool(killed)

    def _finish(self) -> None:
        record = self._record
        if record.end is None:
            return
        now, lacks_secrets = time.time(), record.lacks_secrets
        status = lifecycle.ended(record.spec, record.status, record.end, now, lacks_secrets=lacks_secrets)
        self._remove_groups(record.groups, SWEEP_S)
        after = record._replace(status=status, identity=None, end=None, kill_at=None, groups=())
        if status.state == BACKOFF:
            delay_s = lifecycle.delay_s(status.ends)
            self._mark(f"{status.reason}, starting again in {lifecycle.seconds(delay_s)}")
            self._remove_socket()
            self._commit(after)
            self._timer = self._house.loop.after(delay_s, self._restart)
        else:
            self._mark(status.reason)
            self._settle(after)

    def _told(self, exit_code: int | None) -> int | None:
        sandbox = self._record.spec.sandbox
        return lifecycle.unwrapped(exit_code) if sandbox is not None and sandbox.bubblewrap else exit_code

    def _over_limits(self) -> str:
        groups, sandbox = self._record.groups, self._record.spec.sandbox
        if sandbox is None or not groups:
            return ""
        kills, refusals = cgroups.out_of_memory(groups), cgroups.out_of_processes(groups)
        return lifecycle.over_limits(sandbox, kills, refusals)

    def _remove_groups(self, groups: cgroups.Groups, wait_s: float) -> None:
        """Who has ended may stay in its groups for a moment; what is left after a while the next supervisor removes."""
        if not cgroups.remove(groups) and wait_s <= LONGEST_SWEEP_S:
            self._house.loop.after(wait_s, lambda: self._remove_groups(groups, wait_s * 2))

    def _settle(self, record: Record) -> None:
        """Record an end for good. Variables may hold secrets and are not needed any more."""
        self._lose_word()
        self._remove_socket()
        self._remove_groups(record.groups, SWEEP_S)
        if record.spec.sandbox is not None and record.spec.socket:
            folder = Path(record.spec.socket).parent
            self._try("remove the socket's folder", lambda: folders.remove(folder))
        self._close_log()
        self._commit(record._replace(spec=record.spec._replace(env={}, secrets=NO_SECRETS)))

    def _expect_stability(self) -> None:
        if self._record.status.ends:
            ran_s = processes.boot_seconds() - self._record.started_boot
            left_s = max(self._record.spec.stable_s - ran_s, 0.0)
            self._timer = self._house.loop.after(left_s, self._prove_stable)

    def _prove_stable(self) -> None:
        self._timer = None
        self._commit(self._record._replace(status=lifecycle.proved_stable(self._record.status)))

    def _commit(self, record: Record) -> None:
        self._record = record
        if self._saving is None:
            self._save()

    def _save(self) -> None:
        self._saving = None
        try:
            self._house.records.write(self._record)
        except OSError as error:
            self._complain("record what happened", error)
            self._saving = self._house.loop.after(RETRY_S, self._save)
        else:
            self._announce()

    def _announce(self) -> None:
        if self._record.status != self.shown:
            self.shown = self._record.status
            self._house.announce(self.shown)

    def _open_log(self) -> None:
        if self._log is not None:
            return
        spec = self._record.spec
        try:
            house = self._house
            self._log = TendedLog(spec.log, spec.log_limit, house.loop, house.growth, self._try)
        except OSError as error:
            if self._record.identity is None:
                raise spawn.CannotStart(f"Cannot open the log {spec.log}: {error.strerror}.") from None
            self._complain(f"open {spec.log}", error)

    def _close_log(self) -> None:
        if self._log is not None:
            self._log.close()
            self._log = None

    def _mark(self, text: str) -> None:
        if self._log is not None:
            log = self._log
            self._try("write to the log", lambda: log.mark(text))

    def _remove_socket(self) -> None:
        if self._record.spec.socket:
            self._try("remove the socket", Path(self._record.spec.socket).unlink)

    def _make_socket_folder(self) -> None:
        """A sandbox shows an instance the folder of its own socket alone."""
        spec = self._record.spec
        if spec.sandbox is None or not spec.socket:
            return
        folder = Path(spec.socket).parent
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            if spec.sandbox.uid:
                os.chown(folder, spec.sandbox.uid, spec.sandbox.uid)
        except OSError as error:
            raise spawn.CannotStart(f"Cannot make the folder {folder}: {error.strerror}.") from None

    def _detach(self) -> None:
        if self._pidfd is not None:
            self._house.loop.unwatch(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _try(self, deed: str, do: Callable[[], None]) -> None:
        try:
            do()
        except FileNotFoundError:
            return
        except OSError as error:
            self._complain(deed, error)

    def _complain(self, deed: str, error: OSError) -> None:
        print(f"Cannot {deed} for {self._record.spec.instance}: {error}.", file=sys.stderr, flush=True)  # noqa: T201
