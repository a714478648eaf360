"""Every command with its arguments: which function runs it, by module and name, so that none is imported before it runs."""

from __future__ import annotations

from tholos.cli.parsing import add, add_json, add_name, add_server, group, named, natural, path, port
from tholos.cli.people_commands import add_groups, add_own, add_people

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


def add_sharing(commands: Commands) -> None:
    access = add(commands, "access", "sharing:show_access", "how an app is shared")
    add_json(add_server(add_name(access)))
    access.add_argument("--people", action="store_true", help="list everybody who can open it, and why")

    share = add_json(add_server(add_name(add(commands, "share", "sharing:share", "say who may open an app"))))
    share.add_argument(
        "--with",
        action="append",
        dest="shared_with",
        metavar="WHO",
        help="an account, or a group as @NAME; repeatable",
    )
    share.add_argument(
        "--as", dest="level", default="viewer", choices=("viewer", "editor"), help="editors publish to it too"
    )
    share.add_argument(
        "--not", action="append", dest="taken_back", metavar="WHO", help="take back; repeatable"
    )
    share.add_argument(
        "--audience", choices=("listed", "signed-in", "everyone"), help="who else; listed: nobody"
    )
    share.add_argument("--yes", action="store_true", help="do not ask")

    asked = add(commands, "requests", "sharing:list_requests", "who asked for access to an app")
    add_json(add_server(add_name(asked)))
    decide = named(commands, "decide", "sharing:decide_request", "let in whoever asked, or not")
    decide.add_argument("request", metavar="REQUEST", help="its id, as `tholos requests` tells it")
    decide.add_argument(
        "--as", dest="level", default="viewer", choices=("viewer", "editor"), help="what they get"
    )
    decide.add_argument("--refuse", action="store_true", help="do not let them in")
    ask = add_json(
        add_server(add(commands, "ask", "sharing:ask_for_access", "ask an app's owner to let you in"))
    )
    ask.add_argument("name", metavar="NAME", help="of the app")
    ask.add_argument("-m", "--message", default="", help="what you need it for")
    give = named(commands, "hand-over", "sharing:hand_over", "make somebody else the owner of an app")
    give.add_argument("who", metavar="ACCOUNT", help="who owns it from now on")
    give.add_argument("--keep", default="", choices=("", "viewer", "editor"), help="what you keep of it")


def add_bounds(commands: Commands) -> None:
    limits = add_json(
        add_server(add_name(add(commands, "limits", "settling:limits", "what an app's processes may have")))
    )
    limits.add_argument("--open-files", type=natural, metavar="N", help="0: as the installation says")
    limits.add_argument(
        "--start-timeout",
        type=natural,
        metavar="SECONDS",
        help="for its first answer; 0: as the installation says",
    )
    for flag, metavar, words in (
        ("--memory", "MB", "of all its processes together; 0: as the installation says"),
        ("--cpu", "PERCENT", "of them together, 100 is one core; 0: as the installation says"),
        ("--processes", "N", "that they may be, threads included; 0: as the installation says"),
        ("--disk", "MB", "of all that the app stores; 0: as the installation says"),
    ):
        limits.add_argument(flag, type=natural, metavar=metavar, help=words)
    limits.add_argument("--network", choices=("on", "off", "default"), help="whether it may use the network")
    life = add_json(
        add_server(add_name(add(commands, "life", "life:show_life", "when an app sleeps, and how many run")))
    )
    for flag, metavar, text in (
        ("--idle", "TIME", "sleep after so long without a request, such as 15m; never, or default"),
        ("--min", "N", "instances that always run; or default"),
        ("--max", "N", "instances at most; or default"),
        ("--connections", "N", "requests at once for each before another starts; or default"),
        ("--drain", "TIME", "for requests under way when their instance is to end; or default"),
    ):
        life.add_argument(flag, metavar=metavar, help=text)
    life.add_argument(
        "--personal",
        choices=("on", "off", "default"),
        help="whether everybody has an instance of their own, and --min says how many wait for whoever comes",
    )


def add_settling(commands: Commands) -> None:
    edit = add_json(
        add_server(add_name(add(commands, "edit", "settling:edit_app", "what an app says of itself")))
    )
    edit.add_argument("--title", help="shown beside its name")
    edit.add_argument("--description", help="what it is")
    edit.add_argument(
        "--keep", type=natural, metavar="N", help="releases besides pinned ones; 0: as the installation says"
    )
    for name, text in (
        ("pin-app", "keep an app at the top of your home page"),
        ("unpin-app", "and no longer"),
    ):
        one = add_json(add_server(add(commands, name, f"settling:{name.partition('-')[0]}", text)))
        one.add_argument("name", metavar="NAME", help="of the app")
    inbox = add_json(add_server(add(commands, "inbox", "settling:show_inbox", "what you were told")))
    inbox.add_argument("--seen", action="store_true", help="note that all of it was read")
    inbox.add_argument(
        "--lines", type=natural, default=50, metavar="N", help="how many (default: %(default)s)"
    )
    told = add_json(
        add_server(
            add(commands, "preferences", "settling:show_preferences", "what you are told, and by which way")
        )
    )
    told.add_argument("--mute", default="", metavar="ACTION", help="tell you of this no more")
    told.add_argument("--unmute", default="", metavar="ACTION", help="tell you of this again")
    told.add_argument(
        "--by", dest="channel", default="mail", help="the way that is meant (default: %(default)s)"
    )
    state = add_json(
        add_server(add(commands, "installation", "settling:show_installation", "how the server is"))
    )
    state.add_argument("--settings", action="store_true", help="and what it runs with")


def add_tags(commands: Commands) -> None:
    tags = group(commands, "tags", "words that apps are found by")
    add_json(add_server(add(tags, "list", "tags:list_tags", "the tree of them")))
    new = add_json(add_server(add(tags, "add", "tags:add_tag", "make one, or a category")))
    new.add_argument("name", metavar="NAME", help="what it is called")
    new.add_argument("--under", default="", metavar="TAG", help="the one that it is below; else a category")
    shown = add_json(add_server(add(tags, "show", "tags:show_tag", "the apps that have one")))
    shown.add_argument("tag", metavar="TAG", help="its name, as CATEGORY/TAG where several are called so")
    edit = add_json(add_server(add(tags, "edit", "tags:edit_tag", "give one another name or place")))
    edit.add_argument("tag", metavar="TAG", help="which one")
    edit.add_argument("--name", dest="new_name", metavar="NEW", help="its new name")
    place = edit.add_mutually_exclusive_group()
    place.add_argument("--under", metavar="TAG", help="the one that it is below from now on")
    place.add_argument("--top", action="store_true", help="make a category of it")
    gone = add_json(add_server(add(tags, "remove", "tags:remove_tag", "remove one with all below it")))
    gone.add_argument("tag", metavar="TAG", help="which one")
    gone.add_argument("--yes", action="store_true", help="even where apps have it")
    one = named(commands, "tag", "tags:tag_app", "put tags on an app, or take them off")
    one.add_argument("tags", nargs="*", metavar="TAG", help="without any, those that it has are printed")
    one.add_argument("--remove", action="append", metavar="TAG", help="take this one off; repeatable")


def add_paths(commands: Commands) -> None:
    run, text = "paths:list_paths", "the paths of this server that lead to apps"
    add_json(add_server(add(commands, "paths", run, text)))
    one = named(commands, "path", "paths:app_path", "the path that leads to an app")
    one.add_argument("path", nargs="?", default="", metavar="PATH", help="such as /team/report/")
    one.add_argument("--remove", action="store_true", help="let none lead to it")
    one.add_argument("--force", action="store_true", help="take it over from another app that you edit")


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


def add_variables(commands: Commands) -> None:
    variables = group(commands, "vars", "an app's environment variables")
    add_json(add_server(add_name(add(variables, "list", "variables:list_variables", "an app's variables"))))
    new = add_json(add_server(add(variables, "set", "variables:set_variables", "set variables of an app")))
    new.add_argument(
        "pairs", nargs="*", metavar="KEY=VALUE", help="a KEY alone is asked for, or read from stdin"
    )
    new.add_argument("--app", metavar="NAME", help="else what this folder was published as")
    new.add_argument(
        "--secret", action="append", metavar="KEY", help="write-only; asked for, or from stdin or the file"
    )
    new.add_argument("--refer", action="append", metavar="KEY=SECRET", help="use a shared secret; repeatable")
    new.add_argument("--from-file", metavar="FILE", help="read lines of KEY=VALUE, as of .env; - for stdin")
    new.add_argument("--no-restart", action="store_true", help="let what runs keep the old values of secrets")
    end = add_json(
        add_server(add(variables, "remove", "variables:remove_variables", "remove variables of an app"))
    )
    end.add_argument("names", nargs="+", metavar="KEY", help="of the variables")
    end.add_argument("--app", metavar="NAME", help="else what this folder was published as")

    secrets = group(commands, "secrets", "secrets that several apps use")
    add_json(add_server(add(secrets, "list", "secrets:list_secrets", "those that you may use")))
    shown = add_json(add_server(add(secrets, "show", "secrets:show_secret", "who uses one, and may")))
    shown.add_argument("name", metavar="NAME", help="of the secret")
    kept = add_json(add_server(add(secrets, "set", "secrets:set_secret", "make one, or change its value")))
    kept.add_argument("name", metavar="NAME", help="its value is asked for, or read from stdin")
    kept.add_argument("--note", help="what it is for")
    kept.add_argument("--no-restart", action="store_true", help="let what runs keep the old value")
    gone = add_json(add_server(add(secrets, "remove", "secrets:remove_secret", "remove one")))
    gone.add_argument("name", metavar="NAME", help="of the secret")
    gone.add_argument("--force", action="store_true", help="even where apps use it")
    share = add_json(add_server(add(secrets, "share", "secrets:share_secret", "let others refer to one")))
    share.add_argument("name", metavar="NAME", help="of the secret")
    share.add_argument("who", metavar="WHO", help="an account, or a group as @NAME")
    share.add_argument(
        "--as",
        dest="level",
        default="viewer",
        choices=("viewer", "editor"),
        help="editors change its value too",
    )
    share.add_argument("--remove", action="store_true", help="take it back")
    add_json(add_server(add(secrets, "rotate-key", "secrets:rotate_key", "seal everything by a new key")))
