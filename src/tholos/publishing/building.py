"""The work of building a bundle's environment ahead: nothing of it runs, and the next release of it finds its packages."""

from __future__ import annotations

from dataclasses import dataclass

from tholos.kit.db import JsonObject
from tholos.kit.log import get_logger
from tholos.kit.threads import in_long_thread
from tholos.operations.models import Operation
from tholos.operations.tasks import Work
from tholos.publishing.tasks import Publisher, packages_text
from tholos.runtime.environments import Environment
from tholos.runtime.interpreters import PythonNotFound


@dataclass(frozen=True, slots=True)
class Builder:
    """Handles the operation *build*. Its step may be done twice."""

    publisher: Publisher

    async def build(self, work: Work) -> JsonObject:
        """Resolve and build; what is there already is left as it is.

        Raises: TholosError: the first cause, in words.
        """
        manifest = _manifest_of(work.operation)
        async with work.step("environment") as say:
            environment = await in_long_thread(self._build, work, manifest)
            say(packages_text(environment, manifest))
        self.publisher.to_compile.put_nowait(environment.id)
        return {"bundle": work.operation.request["bundle"], "packages": len(environment.packages)}

    async def abandon(self, operation: Operation, error: JsonObject | None) -> None:
        """What was built is kept, and nothing else was begun."""
        get_logger().info("build_abandoned", app=operation.subject_name, is_cancelled=error is None)

    def _build(self, work: Work, manifest: JsonObject) -> Environment:
        """Raises: PythonNotFound, and what resolving and building do."""
        interpreter = self.publisher.starter.find_interpreter(str(manifest.get("interpreter")))
        if interpreter is None:
            raise PythonNotFound("Cannot build: the Python that was chosen is gone.", fix="Build it again.")
        snapshot, scope = str(work.operation.request.get("snapshot", "")), work.operation.account_id
        return self.publisher.build_for(work, manifest, interpreter, scope, snapshot)[0]


def _manifest_of(operation: Operation) -> JsonObject:
    found = operation.request["manifest"]
    return dict(found) if isinstance(found, dict) else {}
