"""Commands that settle something about an app between its releases: who opens it, its bounds, tags, paths, variables."""

from __future__ import annotations

from tholos.cli.parsing import add, add_json, add_name, add_server, group, named, natural

TYPE_CHECKING = False  # importing typing takes longer than reading this file
if TYPE_CHECKING:
    from tholos.cli.parsing import Commands


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
