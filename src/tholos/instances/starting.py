"""From a release to the process that serves it: its files, its folders, and what the launcher is told."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tholos.apps.models import App, Release
from tholos.detect.model import Kind
from tholos.instances.models import Instance
from tholos.kit.errors import Unavailable
from tholos.runtime import plan as runtime
from tholos.runtime.environments import Environments
from tholos.runtime.interpreters import Interpreter, Interpreters, PythonNotFound
from tholos.runtime.layout import Layout
from tholos.runtime.model import InstanceSpec
from tholos.store.model import SnapshotId
from tholos.store.store import Store


class EnvironmentMissing(Unavailable):
    """Cannot start the app: its environment is gone."""

    code = "environment_missing"


@dataclass(frozen=True, slots=True)
class Starter:
    """Everything that a process of a release needs before it can be asked for. Synchronous."""

    layout: Layout
    store: Store
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
        sources = self.layout.sources(app.id, release.number)
        if not sources.exists():
            sources.parent.mkdir(parents=True, exist_ok=True)
            before = self.layout.sources(app.id, like.number) if like else None
            self.store.checkout(
                SnapshotId(release.snapshot), sources, before if before and before.exists() else None
            )
        data = self.layout.app_data(app.id)
        data.mkdir(parents=True, exist_ok=True)
        (self.layout.app(app.id) / "tmp").mkdir(exist_ok=True)
        (self.layout.app(app.id) / "logs").mkdir(exist_ok=True)
        for path in _texts(release.manifest.get("keep")):
            _keep(sources / path, data / path)

    def spec(self, app: App, release: Release, instance: Instance) -> InstanceSpec:
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
            env=self.variables_of(app, release),
            cwd=str(self.layout.sources(app.id, release.number)),
            log=instance.log,
            log_limit=self.log_limit,
            socket=instance.address.removeprefix("unix:"),
            limits=self.limits,
        )

    def interpreter_of(self, release: Release) -> Interpreter:
        """Raises: PythonNotFound: it was there when the release was made."""
        wanted = release.manifest.get("interpreter")
        for found in self.interpreters.find():
            if found.identity == wanted:
                return found
        raise PythonNotFound(
            f"Cannot run the release: Python {release.python} is gone.", fix="Publish the app again."
        )

    def variables_of(self, app: App, release: Release) -> dict[str, str]:
        """The environment variables of a release's processes."""
        sources = self.layout.sources(app.id, release.number)
        paths = [str(sources / path) for path in _texts(release.manifest.get("paths"))]
        return runtime.environment(
            python=self._python(release),
            app=app.name,
            release=release.number,
            data=str(self.layout.app_data(app.id)),
            temporary=str(self.layout.app(app.id) / "tmp"),
            url=self.app_url.format(name=app.name) + "/",
            variables={**self.variables, "PYTHONPATH": os.pathsep.join(paths)},
        )

    def sources_of(self, instance: Instance) -> Path:
        """The folder that an instance runs in; its log is named by the release's number."""
        number = int(Path(instance.log).name.partition("-")[0])
        return self.layout.sources(instance.app_id, number)

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


def _keep(inside: Path, kept: Path) -> None:
    """Make a path of the release lead to the app's data folder, which its first release fills."""
    if inside.is_symlink():
        return
    kept.parent.mkdir(parents=True, exist_ok=True)
    if inside.exists():
        if not kept.exists():
            shutil.move(inside, kept)
        elif inside.is_dir():
            shutil.rmtree(inside)
        else:
            inside.unlink()
    elif not kept.exists() and not inside.suffix:
        kept.mkdir()
    inside.parent.mkdir(parents=True, exist_ok=True)
    inside.symlink_to(kept)
