"""What can be wrong at an app's door."""

from __future__ import annotations

from tholos.kit.errors import Forbidden, Invalid, NotFound, Unavailable


class NotShared(Forbidden):
    """Cannot open this app: it is not shared with you."""

    code = "not_shared"


class NeedsSession(Forbidden):
    """Cannot open this app so: only a browser that is signed in is sent on to it."""

    code = "needs_session"


class CookiesNeeded(Invalid):
    """Cannot sign in here: the cookie that this sign-in began with did not come back. Cookies are needed."""

    code = "cookies_needed"


class ConsoleAway(Unavailable):
    """Cannot answer just now: the console is starting or ending."""

    code = "console_away"


class PersonNotFound(NotFound):
    """There is no such account."""

    code = "person_not_found"
    usual_fix = "See who there is: tholos users list"
