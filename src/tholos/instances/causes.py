"""Why an instance does not serve, read off its log: the first cause, where it stands in the app, and the text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tholos.apps import limits
from tholos.apps import service as apps
from tholos.apps.errors import ReleaseNotFound
from tholos.detect.model import Kind
from tholos.instances import met, taken
from tholos.instances.errors import AnswersWithError, InstanceDied, StartTimedOut
from tholos.instances.models import Instance
from tholos.instances.starting import Starter
from tholos.kit.db import Database
from tholos.runtime import crashes, logs, plan
from tholos.runtime.tracebacks import Traceback
from tholos.variables.masking import NOTHING, Masker

_TAIL = 20
_WIDTH = 300
"""Characters that are shown of a line, and lines of a traceback: what is shown is for people, the log has it all."""
_LINES = 60


@dataclass(frozen=True, slots=True)
class Causes:
    """Finds why an instance does not serve, with what its release hides in its output. Synchronous."""

    database: Database
    starter: Starter
    start_timeout_s: float
    """Seconds for the first answer, where its release does not say."""

    def died(self, instance: Instance) -> InstanceDied:
        tail = _tail(instance, self._masker(instance))
        if port := taken.port_in(tail):
            with self.database.read() as db:
                return taken.error(db, instance, port, self.starter.enclosure, tail)
        return died(instance, self._folder(instance), self._masker(instance))

    def silent(self, instance: Instance) -> StartTimedOut:
        return silent(instance, self.timeout_of(instance), self._masker(instance))

    def error_answer(self, instance: Instance, status: int) -> AnswersWithError:
        return error_answer(instance, status, self._folder(instance), self._masker(instance))

    def reason(self, instance: Instance) -> str:
        return reason(instance, self._folder(instance), self._masker(instance))

    def timeout_of(self, instance: Instance) -> float:
        """Seconds that an instance has for its first answer."""
        with self.database.read() as db:
            release = apps.get_release(db, instance.release_id)
        said = limits.limits_of(release.settings)
        return plan.start_timeout_s(
            Kind(str(release.manifest["kind"])), said.start_timeout_s, self.start_timeout_s
        )

    def _folder(self, instance: Instance) -> str:
        return str(self.starter.sources_of(instance))

    def _masker(self, instance: Instance) -> Masker:
        try:
            with self.database.read() as db:
                return self.starter.masker_of(db, apps.get_release(db, instance.release_id))
        except ReleaseNotFound:
            return NOTHING  # it went with its app


def died(instance: Instance, folder: str, masker: Masker = NOTHING) -> InstanceDied:
    """The error for an instance that ended by itself. ``folder`` holds the app's own files."""
    found = _find(instance, folder, masker)
    if found is None:
        ended = instance.reason or "ended"
        ended = f"was {ended}" if ended.startswith("killed") else ended
        more = met.command(instance.reason, "NAME")
        is_sentence = ended.endswith(".")  # of whoever gave it up
        return InstanceDied(
            ended if is_sentence else f"Cannot start the app: its process {ended}.",
            fix=f"Let it use less, or give it more: {more}" if more else "Its last lines say more.",
            excerpt=_tail(instance, masker),
        )
    # Its own words do not say that a limit of ours is behind them; what the supervisor adds to an end does.
    _, _, limit = instance.reason.partition(" s: ")
    error = f"{found.error} ({limit})" if limit else found.error
    return InstanceDied(f"Cannot start the app: {error}", where=found.where, excerpt=found.text)


def silent(instance: Instance, seconds: float, masker: Masker = NOTHING) -> StartTimedOut:
    """The error for an instance that runs and does not answer."""
    return StartTimedOut(
        f"Cannot start the app: it did not answer within {seconds:g} s.",
        fix="Does importing it come to an end, and does it listen where it was told? Its last lines say more.",
        excerpt=_tail(instance, masker),
    )


def error_answer(instance: Instance, status: int, folder: str, masker: Masker = NOTHING) -> AnswersWithError:
    """The error for an instance whose first answer is one of failure."""
    found = _find(instance, folder, masker)
    if found is None:
        excerpt = _tail(instance, masker)
        return AnswersWithError(f"GET / → {status}", fix="Its last lines say more.", excerpt=excerpt)
    return AnswersWithError(f"GET / → {status}: {found.error}", where=found.where, excerpt=found.text)


def reason(instance: Instance, folder: str, masker: Masker = NOTHING) -> str:
    """What an instance's row says of its end, with the first cause."""
    # One that was killed from outside did not end by what it may have logged before.
    found = None if instance.reason.startswith("killed by") else _find(instance, folder, masker)
    if found is None:
        return instance.reason
    where = f" ({found.where})" if found.where else ""
    return f"{instance.reason}: {found.error}{where}"


def _find(instance: Instance, folder: str, masker: Masker) -> Traceback | None:
    crash = crashes.find_crash(Path(instance.log), folder)
    if crash is None:
        return None
    found = crash.traceback
    error, text = masker.mask(found.error), masker.mask(found.text)
    return Traceback(_shown([error]), found.where, _shown(text.splitlines()[-_LINES:]))


def _tail(instance: Instance, masker: Masker) -> str:
    return _shown(masker.mask(line) for line in logs.read_tail(Path(instance.log), _TAIL).lines)


def _shown(lines: Iterable[str]) -> str:
    return "\n".join(line if len(line) <= _WIDTH else f"{line[:_WIDTH]} …" for line in lines)
