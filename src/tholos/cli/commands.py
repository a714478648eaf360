"""Every command with its arguments: which function runs it, by module and name, so that none is imported before it runs."""

from __future__ import annotations

from tholos.cli.parsing import add, add_json, add_name, add_server, group, natural, path, port
from tholos.cli.people_commands import add_groups, add_own, add_people
from tholos.cli.publishing_commands import (
    add_operations,
    add_publish,
    add_releases,
    add_schedules,
    add_sources,
    add_write_manifest,
)
from tholos.cli.settling_commands import (
    add_bounds,
    add_paths,
    add_settling,
    add_sharing,
    add_tags,
    add_variables,
)

TYPE_CHECKING = False  # importing typing takes longer than reading this file
if TYPE_CHECKING:
    from tholos.cli.parsing import Commands


def add_all(commands: Commands) -> None:
    """In the order in which help lists them."""
    add_server_commands(commands)
    add_publish(commands)
    add_write_manifest(commands)
    add_app_commands(commands)
    add_operations(commands)
    add_releases(commands)
    add_sources(commands)
    add_schedules(commands)
    add_sharing(commands)
    add_bounds(commands)
    add_settling(commands)
    add_tags(commands)
    add_paths(commands)
    add_usage(commands)
    add_audit(commands)
    add_webhooks(commands)
    add_variables(commands)
    add_own(commands)
    add_people(commands)
    add_groups(commands)


def add_server_commands(commands: Commands) -> None:
    up = add(commands, "up", "up:up", "start a server here")
    up.add_argument(
        "--data", type=path, default="tholos-data", metavar="DIR", help="where it keeps everything"
    )
    up.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    up.add_argument("--port", type=port, default=8080, help="port to listen on (default: %(default)s)")
    up.add_argument("--examples", type=path, metavar="DIR", help="publish the example apps of this folder")
    up.add_argument("--open", action="store_true", dest="open_browser", help="show it in a browser")

    doctor = add(commands, "doctor", "doctor:doctor", "what this machine can and cannot do")
    doctor.add_argument("--data", type=path, default="tholos-data", metavar="DIR", help="of the server")
    add_json(doctor)

    backup = add(commands, "backup", "backup:backup", "copy a whole installation while it runs")
    backup.add_argument(
        "target", type=path, metavar="TO", help="a new folder, or a file .tar, .tar.gz or .tar.zst"
    )
    restore = add(commands, "restore", "backup:restore", "make an installation of a backup")
    restore.add_argument("source", type=path, metavar="FROM", help="the folder or file that backup made")
    for one, text in ((backup, "of the server"), (restore, "a new folder for it")):
        one.add_argument("--data", type=path, default="tholos-data", metavar="DIR", help=text)
        add_json(one)

    login = add(commands, "login", "login:log_in", "sign in to a server")
    login.add_argument("target", metavar="URL", help="of the server, or a sign-in link")
    login.add_argument(
        "--device", action="store_true", help="let in from a browser elsewhere; opens none, needs no terminal"
    )
    login.add_argument("--name", help="of the account; asks for its password")
    login.add_argument("--password-stdin", action="store_true", help="read the password from stdin")
    login.add_argument("--token-file", metavar="FILE", help="use the token in this file; - for stdin")

    logout = add(commands, "logout", "login:log_out", "end and forget this machine's token")
    add_json(add_server(logout))


def add_app_commands(commands: Commands) -> None:
    reading: tuple[tuple[str, str, str], ...] = (
        ("status", "apps:show_status", "an app's state, release and instances"),
        ("why", "apps:show_why", "why an app is as it is"),
    )
    listed = add_json(add_server(add(commands, "list", "apps:list_apps", "the apps that you may see")))
    listed.add_argument(
        "word", nargs="?", default="", metavar="WORD", help="only with this in name, title or owner's name"
    )
    listed.add_argument(
        "--show",
        default="",
        choices=("pinned", "recent", "mine", "shared"),
        help="only these; recent: those that you opened last",
    )
    listed.add_argument("--tag", default="", metavar="TAG", help="only with this one, or one below it")
    listed.add_argument("--names", action="store_true", help="print names only, one in a line")
    for name, run, text in reading:
        one = add_json(add_server(add_name(add(commands, name, run, text))))
        if name == "status":
            one.add_argument(
                "--all",
                action="store_true",
                dest="of_all",
                help="the instances of all apps that you may edit",
            )
            one.add_argument("--watch", action="store_true", help="and again every two seconds, until Ctrl-C")

    open_app = add_json(
        add_server(add_name(add(commands, "open", "apps:open_app", "show an app in a browser")))
    )
    open_app.add_argument("--print", action="store_true", dest="only_print", help="only print its URL")
    add_logs_and_delete(commands)


def add_logs_and_delete(commands: Commands) -> None:
    logs = add_json(add_server(add_name(add(commands, "logs", "logs:show_logs", "what an app printed"))))
    logs.add_argument("-f", "--follow", action="store_true", help="go on with new lines as they come")
    logs.add_argument(
        "--traceback", action="store_true", help="only the first traceback of the last run that has one"
    )
    logs.add_argument("--release", type=int, metavar="N", help="of this release, else of the live one")
    logs.add_argument("--instance", default="", metavar="ID", help="of this instance, else of the last one")
    logs.add_argument("--level", default="", help="debug, info, warning or error: at least so bad")
    logs.add_argument("--search", default="", metavar="TEXT", help="lines with this text, in any case")
    logs.add_argument(
        "--since", default="", metavar="WHEN", help="in the last 10m, 2h or 1d, or since a time"
    )
    logs.add_argument(
        "--times", action="store_true", help="print when each line was written; a terminal always shows it"
    )
    logs.add_argument(
        "--lines", type=natural, default=200, metavar="N", help="how many (default: %(default)s)"
    )

    delete = add_json(add_server(add(commands, "delete", "apps:delete_app", "stop and remove an app")))
    delete.add_argument("name", metavar="NAME", help="of the app")
    delete.add_argument("--yes", action="store_true", help="do not ask")

    cancel = add_json(add_server(add(commands, "cancel", "logs:cancel_operation", "stop an operation")))
    cancel.add_argument("operation", metavar="OPERATION", help="its id")

    script = add(
        commands, "completion", "completion:print_completion", "a script that completes commands in a shell"
    )
    script.add_argument("shell", choices=("bash", "zsh", "fish"), help="which one")

    version = add(
        commands, "version", "version:show_version", "the version of this program and of the server"
    )
    add_json(add_server(version))


def add_usage(commands: Commands) -> None:
    run, text = "usage:show_usage", "how often an app was visited"
    usage = add_json(add_server(add_name(add(commands, "usage", run, text))))
    usage.add_argument("--all", action="store_true", dest="every", help="of all apps that you edit")
    usage.add_argument(
        "--since", default="", metavar="WHEN", help="in the last 10m, 2h or 7d, or since a time; else 30d"
    )
    usage.add_argument(
        "--until", default="", metavar="WHEN", help="before a time, or before the last 10m, 2h or 7d"
    )
    usage.add_argument("--visits", action="store_true", help="each of them: who, when, and where to")
    usage.add_argument(
        "--lines", type=natural, default=50, metavar="N", help="visits at most (default: %(default)s)"
    )


def add_audit(commands: Commands) -> None:
    audit = add_json(add_server(add(commands, "audit", "audit:show_audit", "who did what")))
    audit.add_argument("--app", default="", metavar="NAME", help="with this app; its editors may ask")
    audit.add_argument("--actor", default="", metavar="NAME", help="what this account did")
    audit.add_argument("--action", default="", help="such as app.shared, or app for all of apps")
    audit.add_argument(
        "--since", default="", metavar="WHEN", help="in the last 10m, 2h or 7d, or since a time"
    )
    audit.add_argument(
        "--until", default="", metavar="WHEN", help="before a time, or before the last 10m, 2h or 7d"
    )
    audit.add_argument(
        "--kind", default="", help="only with what is of this kind, such as app, account or secret"
    )
    audit.add_argument("--name", default="", help="only with what has this name")
    audit.add_argument("--text", default="", help="something in names or notes")
    audit.add_argument(
        "--lines", type=natural, default=50, metavar="N", help="how many, 500 at most (default: %(default)s)"
    )
    audit.add_argument(
        "--export",
        type=path,
        metavar="FILE",
        help="write all that is asked for to a file, .csv, else JSON lines; for administrators",
    )


def add_webhooks(commands: Commands) -> None:
    webhooks = group(commands, "webhooks", "tell other systems what is done")
    found = add_json(add_server(add(webhooks, "list", "webhooks:list_webhooks", "those that you may change")))
    found.add_argument("--app", default="", metavar="NAME", help="only those of this app")
    new = add_json(
        add_server(add(webhooks, "add", "webhooks:add_webhook", "make one; prints its secret once"))
    )
    new.add_argument("url", metavar="URL", help="where messages are sent")
    new.add_argument(
        "--app", default="", metavar="NAME", help="only of this app; else of all, for administrators"
    )
    new.add_argument("--label", default="", help="what it is for")
    new.add_argument("--form", default="plain", choices=("plain", "slack"), help="slack is for chats")
    new.add_argument(
        "--action", action="append", dest="actions", metavar="ACTION", help="only this; repeatable"
    )
    one = add_json(
        add_server(add(webhooks, "edit", "webhooks:edit_webhook", "change one, or show what it is"))
    )
    one.add_argument("webhook", metavar="WEBHOOK", help="its id")
    one.add_argument("--url", help="another address")
    one.add_argument("--label", help="what it is for")
    one.add_argument("--form", choices=("plain", "slack"), help="slack is for chats")
    told = one.add_mutually_exclusive_group()
    told.add_argument(
        "--action", action="append", dest="actions", metavar="ACTION", help="only this; repeatable"
    )
    told.add_argument("--all-actions", action="store_true", help="all that is worth telling")
    one.add_argument("--pause", action="store_true", help="send nothing there for now")
    one.add_argument("--resume", action="store_true", help="send there again")
    end = add_json(add_server(add(webhooks, "remove", "webhooks:remove_webhook", "tell it nothing any more")))
    end.add_argument("webhook", metavar="WEBHOOK", help="its id")
    test = add_json(add_server(add(webhooks, "test", "webhooks:test_webhook", "send a word there now")))
    test.add_argument("webhook", metavar="WEBHOOK", help="its id")
    sent = add_json(
        add_server(add(webhooks, "deliveries", "webhooks:list_deliveries", "what was sent, and how it went"))
    )
    sent.add_argument("webhook", metavar="WEBHOOK", help="its id")
    which = sent.add_mutually_exclusive_group()
    which.add_argument("--show", default="", metavar="DELIVERY", help="this one, with the body that was sent")
    which.add_argument("--repeat", default="", metavar="DELIVERY", help="send this one again")
    sent.add_argument(
        "--lines", type=natural, default=50, metavar="N", help="how many (default: %(default)s)"
    )
