"""Repositories in a folder and on a host of their own; and an installation that may follow both."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tholos.testing.installation import Installation
from tholos.testing.repositories import Host, Repository, serve
from tholos.testing.trial import Json, Trial, eventually

INTERVAL_S = 1.0


@dataclass
class Place:
    """An installation, and where its repositories are."""

    trial: Trial
    host: Host
    folder: Path

    def follow(self, name: str, repository: str, **said: object) -> Json:
        """Let an app follow a repository, without looking at it by itself unless that is said; the answer."""
        body = {"repository": repository, "polling": False, **said}
        return self.trial.server.api("PUT", f"/api/v1/apps/{name}/source", body)

    def ended(self, answer: Json) -> Json:
        """The operation of an answer, once it has ended."""
        return self.trial.wait(str(answer["operation"]["id"]))

    def published(self, name: str, repository: str, **said: object) -> Json:
        ended = self.ended(self.follow(name, repository, **said))
        assert ended["state"] == "done", ended
        return ended

    def refused(self, name: str, repository: str, **said: object) -> Json:
        """The error of one that has to fail."""
        ended = self.ended(self.follow(name, repository, **said))
        assert ended["state"] == "failed", ended
        return ended["error"]

    def update(self, name: str, ref: str = "") -> Json:
        return self.ended(self.trial.server.api("POST", f"/api/v1/apps/{name}/source/update", {"ref": ref}))

    def source(self, name: str) -> Json:
        return self.trial.server.api("GET", f"/api/v1/apps/{name}/source")

    def commits(self, name: str) -> list[Json]:
        return self.trial.server.api("GET", f"/api/v1/apps/{name}/source/commits")["items"]

    def log(self, operation: Json) -> str:
        return "\n".join(str(one["text"]) for one in self.trial.events(str(operation["id"])))

    def idle(self, name: str) -> None:
        """Wait until nothing is under way or waits for an app."""

        def is_idle() -> bool:
            found = self.trial.server.api("GET", f"/api/v1/operations?app={name}")["items"]
            return all(one["ended_at"] for one in found) and not self.source(name)["is_waiting"]

        eventually(is_idle)


@pytest.fixture(scope="module")
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The module's, with its SETTINGS."""
    folder = tmp_path_factory.mktemp("git")
    settings = {
        "THOLOS_SOURCES__LOCAL_FOLDERS": f'["{folder}"]',
        "THOLOS_SOURCES__ALLOW_NETWORKS": '["127.0.0.0/8"]',
        "THOLOS_SOURCES__POLL_INTERVAL_S": str(INTERVAL_S),
        **getattr(request.module, "SETTINGS", {}),
    }
    installation = Installation(tmp_path_factory.mktemp("site"), settings)
    with serve(folder) as host:
        installation.start()
        try:
            yield Place(Trial(installation), host, folder)
        finally:
            installation.clean()


@pytest.fixture(autouse=True)
def _host_is_as_ever(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "place" in request.fixturenames:
        host = request.getfixturevalue("place").host
        host.login, host.answer, host.location, host.is_old = None, 0, "", False
        host.may_answer.set()
        host.asked.clear()
        host.shown.clear()


@pytest.fixture
def repository(place: Place) -> Callable[[str], Repository]:
    """Makes a bare repository of a name, which the host serves too."""
    return lambda name: Repository.make(place.folder / f"{name}.git")
