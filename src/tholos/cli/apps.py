"""Commands about apps that are there: list, status, open, why, delete."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from tholos.cli import memory
from tholos.cli.console import Console, age_of, count_of, of_terminal
from tholos.cli.failures import FAILED, INTERRUPTED, print_json
from tholos.cli.following import follow
from tholos.cli.session import choose_app, connected
from tholos.cli.story import failure_rows
from tholos.client.model import App, Instance, Operation, Running
from tholos.kit.errors import Invalid

if TYPE_CHECKING:
    from tholos.client.api import Client


WATCH_S = 2.0


class NotConfirmed(Invalid):
    """Cannot delete the app: its name was not given again."""

    code = "not_confirmed"


class SaidTwice(Invalid):
    """Cannot list both: a tag is named, and something else as well."""

    code = "said_twice"


def list_apps(*, word: str, show: str, tag: str, names: bool, server: str | None, as_json: bool) -> int:
    """Print the apps that this account may see, or some of them.

    Raises:
        SaidTwice: a tag and ``--show``.
    """
    if tag and show:
        raise SaidTwice(fix="Leave out --tag or --show.")
    with connected(server) as client:
        if names:
            client.be_patient(0)  # a shell waits for them to complete a word
        apps = tagged_apps(client, tag, word) if tag else client.apps(word, show=show)
    if as_json:
        print_json(apps=[asdict(app) for app in apps])
        return 0
    if names:
        print("".join(f"{app.name}\n" for app in apps), end="")
        return 0
    console = of_terminal()
    if not apps:
        is_asked = bool(word or show or tag)
        console.row(
            "no app is like that · tholos list" if is_asked else "nothing is published yet · tholos publish"
        )
        return 0
    rows = [(app.name, app.state.word, release_of(app), app.framework or app.kind, app.url) for app in apps]
    console.table([("NAME", "STATE", "RELEASE", "KIND", "URL"), *rows])
    return 0


def tagged_apps(client: Client, tag: str, word: str) -> list[App]:
    from tholos.cli.tags import find_tag  # start-up time: lists are mostly asked for without

    return client.tagged_apps(find_tag(client.tags(), tag).id, word)


def show_status(*, name: str | None, of_all: bool, watch: bool, server: str | None, as_json: bool) -> int:
    """Print an app's state with its reason, what runs, and what is being done to it; or the instances of all apps."""
    while True:
        if of_all:
            _show_all(server, as_json=as_json)
        else:
            _show_one(name, server, as_json=as_json)
        if not watch:
            return 0
        time.sleep(WATCH_S)


def _show_all(server: str | None, *, as_json: bool) -> None:
    with connected(server) as client:
        found = client.running()
        sleeping = asleep(client.apps(), found)
    if as_json:
        print_json(**asdict(found), asleep=[one.name for one in sleeping])
        return
    instances, standbys = found.instances, found.standbys
    console = of_terminal()
    if not instances and not standbys and not sleeping:
        console.row("nothing runs")
        return
    rows = [(one.app, one.state, str(one.release), *used(one)) for one in instances]
    rows += [(one.app, "standby", str(one.release), "-", megabytes(one.memory), "-", "-") for one in standbys]
    rows += [(one.name, "asleep", release_of(one), "-", "-", "-", "-") for one in sleeping]
    console.table([("NAME", "STATE", "RELEASE", "CPU", "MEMORY", "REQUESTS", "USED"), *rows])


def asleep(found: list[App], running: Running) -> list[App]:
    """The apps that somebody may edit that sleep with nothing that waits to wake them."""
    waited_for = {one.app for one in running.standbys}
    return [
        one
        for one in found
        if one.state.word == "asleep" and one.rank != "viewer" and one.name not in waited_for
    ]


def used(one: Instance) -> tuple[str, str, str, str]:
    """What an instance uses, and how it is used."""
    cpu = "-" if one.cpu is None else f"{one.cpu:.0%}"
    last = "now" if one.under_way else age_of(one.used_at) if one.used_at else "-"
    return cpu, megabytes(one.memory), str(one.requests), last


def megabytes(size: int | None) -> str:
    return "-" if size is None else f"{size / 1e6:.0f} MB"


def _show_one(name: str | None, server: str | None, *, as_json: bool) -> None:
    name, remembered = choose_app(name)
    with connected(server, remembered) as client:
        app = client.app(name)
        found = (
            client.running(name) if app.rank != "viewer" else Running([], [])
        )  # they are told the state alone
        running = [one for one in client.operations(name) if not one.has_ended]
    if as_json:
        print_json(
            app=asdict(app),
            instances=[asdict(one) for one in found.instances],
            standbys=[asdict(one) for one in found.standbys],
            operations=[asdict(one) for one in running],
        )
        return
    print_status(of_terminal(), app, found, running)


def print_status(console: Console, app: App, found: Running, running: list[Operation]) -> None:
    since = f"{app.state.word}, since {age_of(app.state.since)}" if app.state.since else app.state.word
    console.row(app.name, since, f"seen {age_of(app.state.at)}" if app.state.at else "")
    if app.state.reason:
        console.row("reason", app.state.reason)
    if app.live:
        live = app.live
        facts = [live.framework or live.kind, live.entrypoint, f"Python {live.python}" if live.python else ""]
        facts += [count_of(live.packages, "package"), f"by {live.author}", age_of(live.created_at)]
        console.row(f"release {live.number}", ", ".join(fact for fact in facts if fact))
    for one in found.instances:
        process = f", process {one.pid}" if one.pid else ""
        restarts = f", restarted {count_of(one.restarts, 'time')}" if one.restarts else ""
        whose = f", {one.whose}'s own" if one.whose else ""
        console.row("instance", f"{one.state}{process}, release {one.release}{restarts}{whose}")
        if one.memory is not None:
            cpu, memory, _, last = used(one)
            console.row(
                "", f"{cpu} of a processor, {memory}, {count_of(one.requests, 'request')}", f"used {last}"
            )
    for waiting in found.standbys:
        console.row("standby", f"release {waiting.release}, {megabytes(waiting.memory)}, waits to wake it")
    for operation in running:
        console.row(operation.kind, f"{operation.state} · tholos cancel {operation.id}")
    console.row(app.url)


def open_app(*, name: str | None, server: str | None, only_print: bool, as_json: bool) -> int:
    """Print an app's URL and show it in a browser."""
    name, remembered = choose_app(name)
    with connected(server, remembered) as client:
        url = client.app(name).url
    if as_json:
        print_json(app=name, url=url)
    else:
        print(url, flush=True)
    if not only_print:
        import webbrowser

        webbrowser.open(url)
    return 0


def show_why(*, name: str | None, server: str | None, as_json: bool) -> int:
    """Print the recorded reasons for an app's state, each with the next command."""
    name, remembered = choose_app(name)
    with connected(server, remembered) as client:
        why = client.why(name)
    if as_json:
        print_json(**asdict(why))
        return 0
    console = of_terminal()
    console.line(f"  {name} is {why.state.word}" + (f": {why.state.reason}" if why.state.reason else ""))
    for reason in why.reasons:
        console.row(reason.where, reason.text, age_of(reason.at) if reason.at else "")
        if reason.next:
            console.row("", reason.next)
    return 0


def delete_app(*, name: str, server: str | None, yes: bool, as_json: bool) -> int:
    """Stop and remove an app, after its name was typed once more."""
    console = of_terminal(as_json=as_json)
    with connected(server, choose_app(name)[1]) as client:
        app = client.app(name)
        if not yes:
            confirm(app)
        begun = client.delete_app(name)
        story, was_interrupted = follow(client, begun, console)
        is_done = story.state == "done"
        if is_done:
            memory.forget_app(str(client.address), name)
    if is_done:
        console.row(name, "deleted")
    elif story.state == "failed" and story.failure:
        console.row("delete", f"failed: {story.failure.message}")
        for line in failure_rows(story.failure):
            console.line(line)
    if as_json:
        error = asdict(story.failure) if story.failure else None
        print_json(app=name, state="deleted" if is_done else story.state, operation=begun.id, error=error)
    return 0 if is_done else INTERRUPTED if was_interrupted else FAILED


def confirm(app: App) -> None:
    """Raises NotConfirmed."""
    if sys.stdin.isatty():
        print(
            f"  {app.name} and its releases will be gone. Its name to delete it: ",
            end="",
            file=sys.stderr,
            flush=True,
        )
        if sys.stdin.readline().strip() == app.name:
            return
    raise NotConfirmed(
        f"Cannot delete {app.name}: it was not confirmed.", fix=f"tholos delete {app.name} --yes"
    )


def release_of(app: App) -> str:
    return str(app.live.number) if app.live else "-"
