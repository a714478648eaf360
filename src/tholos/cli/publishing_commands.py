"""Commands that bring something new to an app: publish, its releases, what it follows, when it starts again."""

from __future__ import annotations

from tholos.cli.parsing import add, add_json, add_name, add_server, group, named, natural, path, port

TYPE_CHECKING = False  # importing typing takes longer than reading this file
if TYPE_CHECKING:
    from tholos.cli.parsing import Commands


def add_publish(commands: Commands) -> None:
    publish = add(commands, "publish", "publish:publish", "publish a folder, a .py file or an archive")
    publish.add_argument(
        "source", nargs="?", type=path, default=".", metavar="FOLDER", help="default: this one"
    )
    publish.add_argument("--name", help="of the app; else the one before, else the folder's")
    publish.add_argument("--git", metavar="URL", help="publish a repository instead, and follow it")
    publish.add_argument("--branch", help="with --git: which one, else the one that it shows first")
    publish.add_argument("--subdirectory", metavar="PATH", help="with --git: the folder of the app in it")
    publish.add_argument(
        "--no-polling", action="store_true", help="with --git: do not look for new commits now and then"
    )
    publish.add_argument("--username", help="with --git: for the repository's host, with --secret-file")
    publish.add_argument(
        "--secret-file", metavar="FILE", help="with --git: a token, password or ssh key; - for stdin"
    )
    publish.add_argument("-m", "--message", default="", help="what is new")
    publish.add_argument(
        "--kind",
        help="wsgi, asgi, a framework such as flask or gradio, streamlit, panel, bokeh, marimo, notebook, voila, command or static",
    )
    publish.add_argument("--entrypoint", metavar="MODULE:NAME", help="what to start")
    publish.add_argument(
        "--command", metavar="LINE", dest="line", help="run this, which listens on the port $PORT"
    )
    publish.add_argument(
        "--port", type=port, help="with --command: it listens on this one, whatever $PORT says"
    )
    publish.add_argument("--python", metavar="VERSION", help="such as 3.12 or >=3.11")
    publish.add_argument("--requirements", metavar="FILE", help="where the packages are listed")
    publish.add_argument("--prepare", metavar="COMMAND", help="what to run once per release before it starts")
    publish.add_argument(
        "--keep", action="append", metavar="PATH", help="a path that survives releases; repeatable"
    )
    publish.add_argument(
        "--draft", action="store_true", help="run it at an address of its own, and do not make it live"
    )
    publish.add_argument("--upgrade", action="store_true", help="resolve the packages anew")
    publish.add_argument("--dry-run", action="store_true", help="say what would be published and sent")
    publish.add_argument("--yes", action="store_true", help="publish even a folder that looks like a mistake")
    add_server(publish)
    add_json(publish)


def add_write_manifest(commands: Commands) -> None:
    text = "write the manifest.json that publishing from git needs"
    write = add(commands, "write-manifest", "manifests:write_manifest", text)
    write.epilog = (
        "It says what is found in the folder; no server is asked, and nothing of the app is run. The packages have to be listed in "
        "a file for pip, such as requirements.txt: where there is none, nothing is written, and the error says how to make one. "
        "Flags are kept in the manifest. Exit code 1: --check found a difference; 3: the manifest is not one of this command's."
    )
    write.add_argument(
        "folder", nargs="?", type=path, default=".", metavar="FOLDER", help="default: this one"
    )
    write.add_argument("--kind", help="as of publish")
    write.add_argument("--entrypoint", metavar="MODULE:NAME", help="what to start")
    write.add_argument("--python", metavar="VERSION", help="such as 3.12 or >=3.11")
    write.add_argument("--requirements", metavar="FILE", help="where the packages are listed")
    write.add_argument(
        "--overwrite", action="store_true", help="even one that was not written by this command"
    )
    write.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 and say what differs, if something does"
    )
    add_json(write)


def add_operations(commands: Commands) -> None:
    run, text = "operations:list_operations", "the last operations, and how they ended"
    past = add(commands, "operations", run, text)
    past.add_argument("name", nargs="?", default="", metavar="NAME", help="only those of this app")
    past.add_argument(
        "--lines", type=natural, default=20, metavar="N", help="how many, 500 at most (default: %(default)s)"
    )
    add_json(add_server(past))


def add_releases(commands: Commands) -> None:
    listed = add(commands, "releases", "releases:list_releases", "an app's releases")
    add_json(add_server(add_name(listed)))
    back = add(commands, "rollback", "releases:roll_back", "make an earlier release live")
    add_json(add_server(add_name(back)))
    back.add_argument(
        "--to", type=int, dest="release", metavar="N", help="else the newest before that was live once"
    )
    numbered: tuple[tuple[str, str, str], ...] = (
        ("activate", "releases:activate", "make a release live, a draft or an earlier one"),
        ("pin", "releases:pin", "keep a release however many newer ones there are"),
        ("unpin", "releases:unpin", "let a release go in its turn"),
        ("discard", "releases:discard", "let a draft end; its release stays"),
    )
    for name, run, text in numbered:
        one = add_json(add_server(add(commands, name, run, text)))
        one.add_argument("name", metavar="NAME", help="of the app")
        one.add_argument("release", type=int, metavar="N", help="number of the release")
    add_json(add_server(add_name(add(commands, "restart", "releases:restart", "start an app anew"))))

    differ = add(commands, "diff", "releases:diff", "in what two releases differ")
    add_json(add_server(add_name(differ)))
    differ.add_argument(
        "-a", type=int, metavar="N", help="else the live one, or the one before where b is live"
    )
    differ.add_argument("-b", type=int, metavar="N", help="else the newest")
    differ.add_argument("--file", default="", metavar="PATH", help="show the lines of this one")

    take = add_json(
        add_server(add_name(add(commands, "download", "releases:download", "write a release to a file")))
    )
    take.add_argument("--release", type=int, metavar="N", help="else the live one")
    take.add_argument("--to", type=path, metavar="FILE", help="else NAME-rN.tar.gz here")
    told = add_json(
        add_server(
            add_name(add(commands, "manifest", "releases:show_manifest", "print a release's manifest"))
        )
    )
    told.add_argument("--release", type=int, metavar="N", help="else that of the live one")
    told.add_argument(
        "--write", type=path, metavar="FOLDER", help="write manifest.json into this folder instead"
    )
    lock = add_json(
        add_server(
            add_name(add(commands, "lock", "releases:show_lock", "print a release's packages, locked"))
        )
    )
    lock.add_argument("release", nargs="?", type=int, metavar="RELEASE", help="else that of the live one")


def add_sources(commands: Commands) -> None:
    source = named(commands, "source", "repositories:source", "the repository that an app follows")
    source.add_argument(
        "--update", action="store_true", help="fetch and publish it now, even if nothing is new"
    )
    source.add_argument("--ref", default="", help="with --update: a branch, tag or commit")
    source.add_argument("--pause", action="store_true", help="publish nothing of it by itself")
    source.add_argument("--resume", action="store_true", help="and again, by your right from now on")
    source.add_argument("--polling", choices=("on", "off"), help="whether it is looked at now and then")
    source.add_argument("--drafts", choices=("on", "off"), help="whether its commits become drafts")
    source.add_argument("--branch", help="follow another one")
    source.add_argument("--subdirectory", metavar="PATH", help="publish another folder of it")
    source.add_argument("--history", action="store_true", help="its commits, and what became of them")
    source.add_argument(
        "--lines",
        type=natural,
        default=20,
        metavar="N",
        help="with --history: how many (default: %(default)s)",
    )
    source.add_argument("--new-secret", action="store_true", help="make a new secret for pushes")
    source.add_argument("--username", default="", help="for its host, with --secret-file")
    source.add_argument(
        "--secret-file", metavar="FILE", help="a token, password or ssh key for its host; - for stdin"
    )
    source.add_argument(
        "--forget-credential", action="store_true", help="forget what its host is shown for this app"
    )
    source.add_argument("--remove", action="store_true", help="follow it no more; what serves goes on")

    hosts = group(commands, "git-credentials", "what hosts of repositories are shown for all apps")
    add_json(add_server(add(hosts, "list", "repositories:list_credentials", "all but the secrets")))
    keep = add_json(add_server(add(hosts, "set", "repositories:set_credential", "keep one for a host")))
    keep.add_argument("host", metavar="HOST", help="such as https://git.example.org")
    keep.add_argument("--username", default="git", help="(default: %(default)s)")
    keep.add_argument(
        "--secret-file", required=True, metavar="FILE", help="a token, password or ssh key; - for stdin"
    )
    drop = add_json(add_server(add(hosts, "remove", "repositories:remove_credential", "forget one")))
    drop.add_argument("credential", metavar="CREDENTIAL", help="its id")


def add_schedules(commands: Commands) -> None:
    one = named(commands, "schedule", "schedules:schedule", "when an app is started again by itself")
    times = one.add_mutually_exclusive_group()
    times.add_argument("--every", metavar="SPAN", help="30m, 2h, 1d or 1w, from now on")
    times.add_argument("--daily", metavar="TIME", help="such as 07:00")
    times.add_argument("--weekdays", metavar="TIME", help="Monday to Friday")
    times.add_argument("--weekly", metavar="DAYS@TIME", help="such as mon,thu@07:00")
    times.add_argument("--monthly", metavar="DAY@TIME", help="such as 1@07:00, or last@07:00")
    times.add_argument("--pause", action="store_true", help="start it by itself no more for now")
    times.add_argument("--resume", action="store_true", help="and again, by your right from now on")
    times.add_argument("--remove", action="store_true", help="forget it; what runs goes on running")
    one.add_argument("--timezone", metavar="ZONE", help="such as Europe/Vienna; else this machine's")
