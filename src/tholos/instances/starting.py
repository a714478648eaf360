"""From a release to the process that serves it: its files, its folders, and what the launcher is told."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tholos.apps import limits
from tholos.apps.models import App, Release
from tholos.detect.model import Kind
from tholos.instances.models import Instance
from tholos.kit.db import ReadDb
from tholos.kit.errors import Unavailable
from tholos.kit.sealing import Sealer
from tholos.runtime import keeping
from tholos.runtime import plan as runtime
from tholos.runtime.environments import Environments
from tholos.runtime.interpreters import Interpreter, Interpreters, PythonNotFound
from tholos.runtime.layout import Layout
from tholos.runtime.model import InstanceSpec
from tholos.store.model import SnapshotId
from tholos.store.store import Store
from tholos.variables import service as variables
from tholos.variables.masking import Masker
from tholos.variables.service import Revealed


class EnvironmentMissing(Unavailable):
    """Cannot start the app: its environment is gone."""

    code = "environment_missing"


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

    def check_out(self, app: App, release: Release, like: Release | None) -> None:
        """Lay out a release's files and the paths it keeps. Doing it twice is doing it once."""
        for name in ("data", "tmp", "logs"):
            (self.layout.app(app.id) / name).mkdir(parents=True, exist_ok=True)
        if like is not None and like.id != release.id:
            self._lead_to_data(app, like, is_new=False)
        sources = self.layout.sources(app.id, release.number)
        is_new = not sources.exists()
        if is_new:
            sources.parent.mkdir(parents=True, exist_ok=True)
            before = self.layout.sources(app.id, like.number) if like else None
            self.store.checkout(
                SnapshotId(release.snapshot), sources, before if before and before.exists() else None
            )
        self._lead_to_data(app, release, is_new=is_new)

    def _lead_to_data(self, app: App, release: Release, *, is_new: bool) -> None:
        sources = self.layout.sources(app.id, release.number)
        if sources.exists():
            kept = _texts(release.manifest.get("keep"))
            keeping.lead(sources, self.layout.app_data(app.id), kept, is_new=is_new)

    def make_ready(self, app: App, release: Release) -> None:
        """Everything that ``spec`` needs and that may take its time: files, folders, and our own servers' packages.

        Raises: EnvironmentMissing, PythonNotFound.
        """
        self._python(release)
        self.check_out(app, release, None)
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
        )

    def limits_of(self, release: Release) -> dict[str, int]:
        """What each of a release's processes may have."""
        said = limits.limits_of(release.settings)
        return {**self.limits, "nofile": said.open_files} if said.open_files else self.limits

    def interpreter_of(self, release: Release) -> Interpreter:
        """Raises: PythonNotFound: it was there when the release was made."""
        wanted = release.manifest.get("interpreter")
        for found in self.interpreters.find():
            if found.identity == wanted:
                return found
        raise PythonNotFound(
            f"Cannot run the release: Python {release.python} is gone.", fix="Publish the app again."
        )

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
            variables={**self.variables, **revealed.plain, "PYTHONPATH": os.pathsep.join(paths)},
        )

    def sources_of(self, instance: Instance) -> Path:
        """The folder that an instance runs in; its log is named by the release's number."""
        number = int(Path(instance.log).name.partition("-")[0])
        return self.layout.sources(instance.app_id, number)

    def clear_release(self, app_id: str, number: int) -> None:
        """Remove the files of a release that is gone: its sources and its logs."""
        shutil.rmtree(self.layout.sources(app_id, number).parent, ignore_errors=True)
        for log in self.layout.logs_of(app_id, number):
            log.unlink(missing_ok=True)

    def clear(self, app_id: str) -> None:
        """Remove every file of an app, its data included."""
        shutil.rmtree(self.layout.app(app_id), ignore_errors=True)

    def _python(self, release: Release) -> str:
        environment = self.environments.find(release.environment or "")
        if environment is None:
            raise EnvironmentMissing(fix="Publish the app again: that builds it.")
        return str(environment.python)


def _texts(value: object) -> Sequence[str]:
    return [str(one) for one in value] if isinstance(value, list) else []
