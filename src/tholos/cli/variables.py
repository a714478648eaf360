"""Commands about an app's variables: vars list, set, remove.

A secret is never an argument: every process of the machine can read those of all others.
"""

from __future__ import annotations

import getpass
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tholos.cli.console import Console, age_of, of_terminal, shorten
from tholos.cli.failures import FAILED, INTERRUPTED, print_json
from tholos.cli.following import follow
from tholos.cli.session import choose_app, connected
from tholos.cli.story import failure_rows
from tholos.client.api import Client
from tholos.client.model import Operation
from tholos.client.variables import Variable, VariableChange
from tholos.kit import envtext
from tholos.kit.errors import Invalid, NotFound

STDIN = "-"
SHOWN_WIDTH = 60


class SecretSaid(Invalid):
    """Cannot take a secret as an argument: other processes of this machine, and your shell's history, see it."""

    code = "secret_in_arguments"


class NothingToSet(Invalid):
    """Cannot set variables: none was given."""

    code = "nothing_to_set"


class NobodyToAsk(Invalid):
    """Cannot ask for a value: stdin is no terminal, and there are several to ask for."""

    code = "nobody_to_ask"


class FileUnreadable(NotFound):
    """Cannot read the file of variables."""

    code = "variables_file_unreadable"


def list_variables(*, name: str | None, server: str | None, as_json: bool) -> int:
    """Print an app's variables; of secrets only when they were set and by whom."""
    name, remembered = choose_app(name)
    with connected(server, remembered) as client:
        found = client.variables(name)
    if as_json:
        print_json(variables=[asdict(one) for one in found])
        return 0
    console = of_terminal()
    if not found:
        console.row(f"{name} has no variables · tholos vars set --app {name} KEY=VALUE")
        return 0
    rows = [(one.name, shown(one), age_of(one.since) if one.since else "", one.by) for one in found]
    console.table([("NAME", "VALUE", "SET", "BY"), *rows])
    return 0


def shown(variable: Variable) -> str:
    """What may be shown of a variable, in one line."""
    if variable.is_missing:
        return "(missing: the app does not start)"
    if variable.kind == "plain":
        return shorten(variable.value.replace("\n", "↵"), SHOWN_WIDTH)
    return f"(secret {variable.secret})" if variable.secret else "(secret)"


def set_variables(
    *,
    pairs: Sequence[str],
    app: str | None,
    secret: Sequence[str] | None,
    refer: Sequence[str] | None,
    from_file: str | None,
    no_restart: bool,
    server: str | None,
    as_json: bool,
) -> int:
    """Set variables, all in one change."""
    change = read_change(pairs, secret or (), refer or (), from_file)
    return apply(change, app, server, restart=not no_restart, as_json=as_json)


def remove_variables(*, names: Sequence[str], app: str | None, server: str | None, as_json: bool) -> int:
    """Remove variables, all in one change."""
    return apply(VariableChange(remove=names), app, server, restart=True, as_json=as_json)


def apply(
    change: VariableChange, app: str | None, server: str | None, *, restart: bool, as_json: bool
) -> int:
    name, remembered = choose_app(app)
    console = of_terminal(as_json=as_json)
    with connected(server, remembered) as client:
        done = client.change_variables(name, change, restart=restart)
        console.row(name, done.told)
        code = follow_all(client, [done.operation] if done.operation else [], console)
    if as_json:
        print_json(variables=[asdict(one) for one in done.items], told=done.told)
    return code


def follow_all(client: Client, begun: Sequence[Operation], console: Console) -> int:
    """Print each operation to its end; the exit code of all of them together."""
    code = 0
    for operation in begun:
        story, was_interrupted = follow(client, operation, console)
        if story.state == "failed" and story.failure:
            console.row(operation.app, f"failed: {story.failure.message}")
            for line in failure_rows(story.failure):
                console.line(line)
        if was_interrupted:
            return INTERRUPTED
        if story.state != "done":
            code = FAILED
    return code


def read_change(
    pairs: Sequence[str], secret: Sequence[str], refer: Sequence[str], from_file: str | None
) -> VariableChange:
    """What the arguments say. Of a name that a file and an argument have, the argument counts.

    Raises: SecretSaid, NothingToSet, NobodyToAsk, FileUnreadable, EnvTextInvalid.
    """
    for one in secret:
        if "=" in one:
            name = one.partition("=")[0]
            raise SecretSaid(fix=f"Say --secret {name} only: its value is asked for, or read from stdin.")
    plain = read_file(from_file) if from_file else {}
    secrets = {name: plain.pop(name) for name in secret if name in plain}
    said = [one for one in pairs if "=" in one]
    to_ask = [one for one in [*pairs, *secret] if "=" not in one and one not in secrets]
    answers = ask_all(to_ask, is_stdin_free=from_file != STDIN)
    plain |= dict(split(one) for one in said)
    plain |= {name: answers[name] for name in pairs if name in answers}
    secrets |= {name: answers[name] for name in secret if name in answers}
    if not plain and not secrets and not refer:
        raise NothingToSet(fix="tholos vars set KEY=VALUE, or --secret KEY, or --from-file .env")
    return VariableChange(plain, secrets, dict(split(one) for one in refer))


def split(pair: str) -> tuple[str, str]:
    """Raises: NothingToSet."""
    name, equals, value = pair.partition("=")
    if not equals:
        raise NothingToSet(f"Cannot refer {name} to nothing.", fix=f"--refer {name}=SECRET", where=name)
    return name, value


def ask_all(names: Sequence[str], *, is_stdin_free: bool) -> dict[str, str]:
    """The values of names, typed without being shown, or the one of stdin.

    Raises: NobodyToAsk.
    """
    if not names:
        return {}
    if sys.stdin.isatty():
        return {name: getpass.getpass(f"  {name}: ") for name in names}
    if len(names) > 1 or not is_stdin_free:
        raise NobodyToAsk(fix="Set them one by one, or use --from-file FILE --secret KEY.")
    return {names[0]: sys.stdin.read().removesuffix("\n")}


def read_file(path: str) -> dict[str, str]:
    """Names and values of a ``.env`` file, or of stdin for ``-``.

    Raises: FileUnreadable, EnvTextInvalid.
    """
    try:
        text = sys.stdin.read() if path == STDIN else Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise FileUnreadable(f"Cannot read {path}: {why}.", where=path) from None
    return envtext.parse(text)
