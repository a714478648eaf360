"""From a push, told by the repository's host, to the first answer of the new commit.

The Flask example is followed in a repository on loopback. One line of it is changed and committed, the host's signed message is
sent, and a client asks for the page without end; the text of the answer tells the commit. The app's own start is taken off,
measured by hand as in ``republish``; both take turns.

    python benchmarks/webhook.py [--rounds 5]

Ends with the line ``webhook FIGURE 1.5 ok|short``; the figure is the seconds beyond a start of the app.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import sys
import time
from pathlib import Path

from measuring import Asking, milliseconds, report, scratch, server, wait_until
from republish import App, by_hand, is_compiled

from tholos.testing import repositories
from tholos.testing.installation import Installation
from tholos.testing.repositories import Repository

NAME = "followed"
BOUND = 1.5
COMPILE_S, PUBLISH_S = 180.0, 300.0


def commit(repository: Repository, app: App, mark: str) -> str:
    """The app with one changed line, as a commit."""
    app.change(mark)
    files = {
        str(path.relative_to(app.folder)): path.read_bytes()
        for path in sorted(app.folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    return repository.commit(files, mark)


def push(running: Installation, followed: dict[str, object], head: str) -> None:
    """Tell of a push as Gitea does. Raises: SystemExit: it was refused."""
    source = dict(followed["source"])  # type: ignore[call-overload]
    body = json.dumps({"ref": "refs/heads/main", "after": head}).encode()
    signature = hmac.new(str(followed["secret"]).encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "X-Gitea-Event": "push", "X-Gitea-Signature": signature, "Content-Type": "application/json",
    }  # fmt: skip
    path = str(source["webhook_url"]).removeprefix(running.url)
    answer = running.ask("POST", path, body, token="", headers=headers)
    if answer.status >= 300:
        sys.exit(f"Cannot measure: the push was answered {answer.status}: {answer.text}")


def pushed(
    running: Installation, followed: dict[str, object], repository: Repository, app: App, mark: str
) -> float:
    """Seconds from the message to the first answer of the new commit.

    Raises: SystemExit: a request failed meanwhile.
    """
    head = commit(repository, app, mark)
    host = f"{NAME}.localhost:{running.port}"
    asking = Asking(running.port, {"Host": host, "Authorization": f"Bearer {running.token}"})
    with asking.going_on():
        asking.wait_for(b"</")
        began = time.time()
        push(running, followed, head)
        answered = asking.wait_for(mark.encode())
    if asking.failures:
        sys.exit(f"Cannot measure: requests failed meanwhile: {asking.failures[:3]}")
    wait_until(lambda: not _under_way(running), PUBLISH_S, "at rest")
    return answered - began


def _under_way(running: Installation) -> bool:
    found = running.api("GET", f"/api/v1/operations?app={NAME}")["items"]
    return any(one["ended_at"] is None for one in found)


def measure(rounds: int, folder: Path) -> int:
    settings = {"THOLOS_SOURCES__ALLOW_NETWORKS": '["127.0.0.0/8"]'}
    with repositories.serve(folder / "repositories") as host, server(folder, **settings) as running:
        app = App(folder / NAME)
        app.copy()
        repository = Repository.make(host.folder / "team.git")
        commit(repository, app, "mark-at-first")
        body = {"repository": host.url("team.git"), "branch": "main", "polling": False}
        followed = running.api("PUT", f"/api/v1/apps/{NAME}/source", body)
        wait_until(lambda: not _under_way(running), PUBLISH_S, "published")
        wait_until(lambda: is_compiled(running), COMPILE_S, "byte-compiled")
        pairs = [
            (by_hand(running, app), pushed(running, followed, repository, app, f"mark-{number}-of-{rounds}"))
            for number in range(rounds + 1)
        ][1:]
    hand, told = [bare for bare, _ in pairs], [one for _, one in pairs]
    print(f"by hand         {milliseconds(min(hand)):>9}   {' '.join(map(milliseconds, hand))}")
    print(f"told by a push  {milliseconds(min(told)):>9}   {' '.join(map(milliseconds, told))}")
    return report("webhook", max(min(told) - min(hand), 0.0), BOUND)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    with scratch() as folder:
        return measure(parser.parse_args().rounds, folder)


if __name__ == "__main__":
    sys.exit(main())
