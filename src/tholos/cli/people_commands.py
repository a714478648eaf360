"""Commands about people, each with its arguments: one's own account, invitations, other accounts, groups."""

from __future__ import annotations

from tholos.cli.parsing import account, add, add_json, add_server, group, natural

TYPE_CHECKING = False  # importing typing takes longer than reading this file
if TYPE_CHECKING:
    from tholos.cli.parsing import Commands


def add_own(commands: Commands) -> None:
    me = add_json(
        add_server(
            add(commands, "me", "own:show_me", "who is signed in here, and what they say of themselves")
        )
    )
    me.add_argument("--full-name", metavar="NAME", help="change it to this")
    me.add_argument("--email", metavar="ADDRESS", help="have mail sent there; empty for none")

    password = add_json(add_server(add(commands, "password", "own:change_password", "change your password")))
    password.add_argument(
        "--stdin",
        action="store_true",
        help="read two lines from stdin: the present one and the new one",
    )

    tokens = group(commands, "tokens", "what scripts sign in by")
    found = add_json(
        add_server(add(tokens, "list", "own:list_tokens", "those that are good, with their last use"))
    )
    new = add_json(add_server(add(tokens, "add", "own:add_token", "make one; prints it once")))
    new.add_argument("label", metavar="LABEL", help="where it will be used")
    new.add_argument(
        "--days", type=int, default=90, metavar="N", help="how long it lives (default: %(default)s)"
    )
    new.add_argument(
        "--scope", default="full", choices=("open", "read", "publish", "full"),
        help="open apps; read; publish and manage apps; or all that the account may (default: %(default)s)",
    )  # fmt: skip
    new.add_argument("--app", default="", metavar="NAME", help="good for this app only")
    end = add_json(add_server(add(tokens, "revoke", "own:revoke_token", "end one at once")))
    end.add_argument("token", metavar="TOKEN", help="its id, or current for the one in use")
    for parser in (found, new, end):
        parser.add_argument(
            "--account", default="", metavar="NAME", help="of this account; for administrators"
        )

    sessions = group(commands, "sessions", "browsers that are signed in")
    add_json(add_server(add(sessions, "list", "own:list_sessions", "where one is signed in")))
    one = add_json(add_server(add(sessions, "end", "own:end_session", "sign one browser out")))
    one.add_argument("session", metavar="SESSION", help="its id")
    everywhere = add_json(add_server(add(sessions, "end-all", "own:end_sessions", "sign out everywhere")))
    everywhere.add_argument(
        "--tokens", action="store_true", help="revoke all tokens as well, this machine's too"
    )
    add_invitations(commands)
    add_quota(commands)


def add_quota(commands: Commands) -> None:
    quota = add_json(
        add_server(add(commands, "quota", "quotas:quota", "what an account's apps may be and take together"))
    )
    quota.add_argument("name", nargs="?", default="", metavar="ACCOUNT", help="else one's own")
    for word, metavar, text in (
        ("--apps", "N", "apps that it may own"),
        ("--instances", "N", "instances of them that may run"),
        ("--memory", "MB", "of these, by their limits"),
        ("--storage", "MB", "of the files of releases"),
    ):
        quota.add_argument(
            word, type=natural, metavar=metavar, help=f"{text}; 0 for no limit; for administrators"
        )
    quota.add_argument(
        "--usual", action="store_true", help="what the installation says, for all that is not said"
    )


def add_invitations(commands: Commands) -> None:
    new = add_json(
        add_server(add(commands, "invite", "invitations:invite", "make a link that lets somebody in"))
    )
    new.add_argument(
        "who", nargs="?", default="", metavar="MAIL", help="whom it is meant for, as a note; nothing is sent"
    )
    new.add_argument("--to", default="", dest="app", metavar="NAME", help="share this app by it")
    new.add_argument(
        "--as",
        default="viewer",
        dest="level",
        choices=("viewer", "editor"),
        help="of the app (default: %(default)s)",
    )
    new.add_argument(
        "--role", default="viewer", choices=("viewer", "publisher", "administrator"),
        help="of an account that is made by it; for administrators (default: %(default)s)",
    )  # fmt: skip
    new.add_argument(
        "--group", default="", metavar="NAME", help="let them into this group; for administrators"
    )
    new.add_argument(
        "--uses", type=int, default=1, metavar="N", help="for how many people (default: %(default)s)"
    )
    new.add_argument(
        "--days", type=int, default=7, metavar="N", help="how long it lives (default: %(default)s)"
    )

    made = group(commands, "invitations", "who was invited, and who came")
    add_json(
        add_server(
            add(made, "list", "invitations:list_invitations", "those that you made, and who came by them")
        )
    )
    gone = add_json(add_server(add(made, "revoke", "invitations:revoke_invitation", "take one back")))
    gone.add_argument("invitation", metavar="INVITATION", help="its id")


def add_people(commands: Commands) -> None:
    users = group(commands, "users", "who there is here")
    known = account(
        users, "identities", "settling:list_identities", "whom sign-in providers know an account as"
    )
    known.add_argument("--remove", default="", metavar="IDENTITY", help="let this one sign in no longer")
    roles = ("viewer", "publisher", "administrator")
    found = add_json(add_server(add(users, "list", "people:list_people", "people and programs")))
    found.add_argument("--search", default="", metavar="TEXT", help="in names and mail addresses")
    found.add_argument("--role", default="", choices=("", *roles), help="only with this role")
    found.add_argument("--services", action="store_true", help="only programs")
    found.add_argument("--disabled", action="store_true", help="only those that are disabled")
    new = account(users, "add", "people:add_person", "make an account; prints its sign-in link once")
    new.add_argument("--role", default="viewer", choices=roles, help="default: %(default)s")
    new.add_argument("--service", action="store_true", help="of a program, which has tokens, not a link")
    new.add_argument("--full-name", default="", metavar="NAME", help="of its person")
    new.add_argument("--email", default="", metavar="ADDRESS", help="where mail goes")
    account(users, "show", "people:show_person", "one of them, and what they can open")
    edit = account(users, "edit", "people:edit_person", "change an account")
    edit.add_argument("--role", choices=roles, help="holds from the next request on")
    edit.add_argument("--full-name", metavar="NAME", help="of its person")
    edit.add_argument("--email", metavar="ADDRESS", help="where mail goes; empty for none")
    account(users, "disable", "people:disable_person", "let nobody in by it any more; what it did stays")
    account(users, "enable", "people:enable_person", "let it sign in again")
    account(users, "link", "people:make_link", "a link that lets a person in once")
    out = account(users, "sign-out", "people:sign_out_person", "sign somebody out everywhere")
    out.add_argument("--tokens", action="store_true", help="revoke the tokens as well")
    give = account(users, "hand-over", "people:hand_over", "give all that an account owns to another")
    give.add_argument("to", metavar="TO", help="who owns it from now on")
    give.add_argument("--dry-run", action="store_true", help="say what that would move")


def add_groups(commands: Commands) -> None:
    groups = group(commands, "groups", "people under one name")
    add_json(add_server(add(groups, "list", "groups:list_groups", "the groups")))
    new = account(groups, "add", "groups:add_group", "make a group", of="group")
    new.add_argument("--note", default="", help="what it is for")
    account(groups, "show", "groups:show_group", "who is in it, and what they have by it", of="group")
    edit = account(groups, "edit", "groups:edit_group", "give it another name or note", of="group")
    edit.add_argument("--name", dest="new_name", metavar="NEW", help="its new name")
    edit.add_argument("--note", help="what it is for")
    gone = account(groups, "remove", "groups:remove_group", "remove it; its members stay", of="group")
    gone.add_argument("--yes", action="store_true", help="take back what it was given, too")
    for name, text in (("add-member", "put accounts into it"), ("remove-member", "take accounts out of it")):
        members = account(groups, name, f"groups:{name.replace('-', '_')}", text, of="group")
        members.add_argument("accounts", nargs="+", metavar="ACCOUNT", help="who")
