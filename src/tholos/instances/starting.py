"""From a release to the process that serves it: its files, its folders, and what the launcher is told."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tholos.apps import limits
from tholos.apps.models import App, Release
from tholos.detect.model import Kind
from tholos.instances.models import Instance
from tholos.kit.db import JsonObject, ReadDb
from tholos.kit.sealing import Sealer
from tholos.runtime import keeping, users
from tholos.runtime import plan as runtime
from tholos.runtime import sandbox as walls
from tholos.runtime.environments import Environments
from tholos.runtime.interpreters import Interpreter, Interpreters, PythonNotFound
from tholos.runtime.layout import Layout
from tholos.runtime.model import InstanceSpec, Sandbox
from tholos.runtime.rebuilding import EnvironmentMissing, Rebuilding, Recorded
from tholos.runtime.sandbox import Bounds, Enclosure, Seen
from tholos.runtime.snapshot_packages import SnapshotPackages
from tholos.store import checkout
from tholos.store.model import SnapshotId
from tholos.store.store import Store
from tholos.variables import service as variables
from tholos.variables.masking import Masker
from tholos.variables.service import Revealed

TellVariables = Callable[[App], Mapping[str, str]]
"""Environment variables of an app's processes, below those that its publisher sets."""


def tell_nothing(_app: App) -> Mapping[str, str]:
    """Nothing is told besides our own."""
    return {}


@dataclass(frozen=True, slots=True)
class Starter:
    """Everything that a process of a release needs before it can be asked for. Synchronous."""

    layout: Layout
    store: Store
    sealer: Sealer
    environments: Environments
    interpreters: Interpreters
    app_url: str
    """An app's origin with ``{name}`` in it."""
    variables: dict[str, str]
    """Environment variables that the operator gives to every app."""
    limits: dict[str, int]
    log_limit: int
    told: TellVariables = tell_nothing
    """What programs that were made for other servers look for."""
    rebuilding: Rebuilding = field(default_factory=Rebuilding)
    enclosure: Enclosure = walls.OPEN

    def check_out(self, app: App, release: Release, like: Release | None) -> None:
        """Lay out a release's files and the paths it keeps. Doing it twice is doing it once."""
        for name in ("data", "tmp", "logs"):
            (self.layout.app(app.id) / name).mkdir(parents=True, exist_ok=True)
        if like is not None and like.id != release.id:
            self.settle(app, like)
        sources = self.layout.sources(app.id, release.number)
        if sources.exists():
            self.settle(app, release)
            self._give(app, release)
            return
        sources.parent.mkdir(parents=True, exist_ok=True)
        before = self.layout.sources(app.id, like.number) if like else None
        self.store.checkout(
            SnapshotId(release.snapshot),
            sources,
            before if before and before.exists() else None,
            lambda folder: self._lead_to_data(app, release, folder, is_new=True),
        )
        self._give(app, release)

    def settle(self, app: App, *releases: Release) -> None:
        """Take what releases have put in the place of kept paths into the app's data folder, where all of them see it."""
        for release in releases:
            sources = self.layout.sources(app.id, release.number)
            if sources.exists():
                self._lead_to_data(app, release, sources, is_new=False)

    def _lead_to_data(self, app: App, release: Release, sources: Path, *, is_new: bool) -> None:
        kept = _texts(release.manifest.get("keep"))
        if kept:
            with _alone(self.layout.app_data(app.id)):
                data = self.layout.app_data(app.id)
                keeping.lead(sources, data, kept, is_new=is_new)
                if self.enclosure.gives_users:
                    for path in kept:
                        users.give_path(data, path, self._user(app))

    def _user(self, app: App) -> int:
        """The number of an app's own user; 0 where apps have none."""
        if not self.enclosure.gives_users:
            return 0
        return users.of_app(self.layout.app(app.id), self.layout.users)

    def _give(self, app: App, release: Release) -> None:
        """Let an app's folders belong to its user, where it has one."""
        if uid := self._user(app):
            data, temporary = self.layout.app_data(app.id), self.layout.app(app.id) / "tmp"
            for folder in (data, temporary, self.layout.sources(app.id, release.number)):
                users.give(folder, uid)

    def find_missing(self, release: Release) -> Recorded | None:
        """What is recorded of a release's environment, where that is gone; in the transaction that the release was read in."""
        name = release.environment or ""
        if not name or self.environments.find(name) is not None:
            return None
        return Recorded(name, release.lock or "", release.author_id)

    def make_ready(
        self,
        app: App,
        release: Release,
        live: Release | None,
        missing: Recorded | None = None,
        *,
        is_asked: bool = False,
    ) -> None:
        """Everything that ``spec`` needs and that may take its time: environment, files, folders, and our own servers'
        packages.

        Raises: EnvironmentMissing, PythonNotFound.
        """
        if missing is not None:
            files = SnapshotPackages(self.store, SnapshotId(release.snapshot))
            self.rebuilding.build(
                self.environments, missing, self.interpreter_of(release), files, is_asked=is_asked
            )
        self._python(release)
        self.check_out(app, release, live)
        self.environments.guest(self.interpreter_of(release))

    def reveal(self, db: ReadDb, release: Release) -> Revealed:
        """The values of a release's variables as they are now; they go into a spec and nowhere else.

        Raises: VariableUnavailable.
        """
        return variables.reveal(db, self.sealer, release)

    def masker_of(self, db: ReadDb, release: Release) -> Masker:
        """What hides the values of a release's secrets in what is told of its output."""
        return variables.masker_for(db, self.sealer, release)

    def spec(self, app: App, release: Release, instance: Instance, revealed: Revealed) -> InstanceSpec:
        """What to run for an instance.

        Raises: EnvironmentMissing.
        """
        manifest = release.manifest
        guest = self.environments.guest(self.interpreter_of(release))
        argv = runtime.command(
            Kind(str(manifest["kind"])),
            str(manifest["entrypoint"]),
            python=self._python(release),
            bootstrap=str(guest.bootstrap),
            wheels=str(guest.wheels),
            socket=instance.address.removeprefix("unix:"),
            options=_texts(manifest.get("options")),
            notes=str(self.layout.notes(app.id, release.number)),
        )
        return InstanceSpec(
            instance=instance.id,
            argv=argv,
            env=self.variables_of(app, release, revealed),
            secrets=revealed.secrets,
            cwd=str(self.layout.sources(app.id, release.number)),
            log=instance.log,
            log_limit=self.log_limit,
            socket=instance.address.removeprefix("unix:"),
            limits=self.limits_of(release),
            sandbox=self.sandbox_of(app, release, str(Path(instance.address.removeprefix("unix:")).parent)),
        )

    def sandbox_of(self, app: App, release: Release, *writable: str) -> Sandbox | None:
        """What holds a release's processes.

        Args:
            app: whose release it is.
            release: what runs.
            writable: folders that they may write besides the app's own.

        Raises: EnvironmentMissing, PythonNotFound, SandboxMissing.
        """
        self.enclosure.check()
        interpreter = self.interpreter_of(release)
        guest = self.environments.guest(interpreter)
        sources, data = str(self.layout.sources(app.id, release.number)), str(self.layout.app_data(app.id))
        seen = Seen(
            home=data,
            read=(
                *walls.of_interpreter(interpreter.path),
                str(Path(self._python(release)).parent.parent),
                str(guest.bootstrap.parent.parent),
            ),
            # Many apps write beside their code; a release's files are its own.
            write=(data, str(self.layout.app(app.id) / "tmp"), sources, *writable),
        )
        return self.enclosure.around(seen, self._bounds_of(release), self._user(app))

    def _bounds_of(self, release: Release) -> Bounds:
        """What all of a release's processes may have together."""
        said, usual = limits.limits_of(release.settings), self.enclosure.bounds
        return Bounds(
            memory_mb=said.memory_mb or usual.memory_mb,
            cpu=said.cpu_percent / 100 if said.cpu_percent else usual.cpu,
            processes=said.processes or usual.processes,
            network=usual.network and said.network is not False,
        )

    def memory_mb_of(self, settings: JsonObject) -> int:
        """Megabytes of memory that an instance with such settings may have; 0 for no limit."""
        return limits.limits_of(settings).memory_mb or self.enclosure.bounds.memory_mb

    def disk_mb_of(self, release: Release) -> int:
        """Megabytes that a release's app may store; 0 for no limit."""
        return limits.limits_of(release.settings).disk_mb or self.enclosure.bounds.disk_mb

    def written_by(self, instance: Instance) -> list[Path]:
        """The folders on disk that an instance writes into."""
        app = self.layout.app(instance.app_id)
        return [self.layout.app_data(instance.app_id), app / "tmp", self.sources_of(instance)]

    def limits_of(self, release: Release) -> dict[str, int]:
        """What each of a release's processes may have."""
        said = limits.limits_of(release.settings)
        return {**self.limits, "nofile": said.open_files} if said.open_files else self.limits

    def interpreter_of(self, release: Release) -> Interpreter:
        """Raises: PythonNotFound: it was there when the release was made."""
        found = self.find_interpreter(str(release.manifest.get("interpreter")))
        if found is None:
            raise PythonNotFound(
                f"Cannot run the release: Python {release.python} is gone.", fix="Publish the app again."
            )
        return found

    def find_interpreter(self, identity: str) -> Interpreter | None:
        return next((one for one in self.interpreters.find() if one.identity == identity), None)

    def variables_of(self, app: App, release: Release, revealed: Revealed) -> dict[str, str]:
        """The environment variables of a release's processes, without its secrets."""
        sources = self.layout.sources(app.id, release.number)
        paths = [str(sources / path) for path in _texts(release.manifest.get("paths"))]
        return runtime.environment(
            python=self._python(release),
            app=app.name,
            release=release.number,
            data=str(self.layout.app_data(app.id)),
            temporary=str(self.layout.app(app.id) / "tmp"),
            url=self.app_url.format(name=app.name) + "/",
            variables={
                **self.variables,
                **self.told(app),
                **revealed.plain,
                "PYTHONPATH": os.pathsep.join(paths),
            },
            locale=str(release.manifest.get("locale", runtime.LOCALE)),
        )

    def sources_of(self, instance: Instance) -> Path:
        """The folder that an instance runs in; its log is named by the release's number."""
        number = int(Path(instance.log).name.partition("-")[0])
        return self.layout.sources(instance.app_id, number)

    def flush(self, app: App, release: Release) -> None:
        """Bring what was made in a release's folder to the disk; what was laid out there is on it."""
        checkout.flush(self.layout.sources(app.id, release.number))

    def numbers_of(self, app_id: str) -> set[int]:
        """Numbers of the releases that an app has files of."""
        folder = self.layout.app(app_id)
        named = [one.name for one in folder.glob("releases/*")]
        named += [one.name.partition("-")[0] for one in folder.glob("logs/*")]
        return {int(one) for one in named if one.isdecimal()}

    def clear_release(self, app_id: str, number: int) -> None:
        """Remove the files of a release that is gone: its sources and its logs."""
        shutil.rmtree(self.layout.sources(app_id, number).parent, ignore_errors=True)
        for file in (*self.layout.logs_of(app_id, number), self.layout.notes(app_id, number)):
            file.unlink(missing_ok=True)

    def clear(self, app_id: str) -> None:
        """Remove every file of an app, its data included."""
        shutil.rmtree(self.layout.app(app_id), ignore_errors=True)

    def _python(self, release: Release) -> str:
        environment = self.environments.find(release.environment or "")
        if environment is None:
            raise EnvironmentMissing(fix="Publish the app again: that builds it.")
        return str(environment.python)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One at a time may settle what an app keeps; whoever comes second waits (flock(2))."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _texts(value: object) -> Sequence[str]:
    return [str(one) for one in value] if isinstance(value, list) else []
