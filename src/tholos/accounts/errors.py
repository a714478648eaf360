"""What can be wrong with accounts and their credentials."""

from __future__ import annotations

from tholos.kit.errors import Conflict, Forbidden, Invalid, NotFound, NotSignedIn, Unavailable


class WrongPassword(NotSignedIn):
    """Cannot sign in: name and password do not belong together."""

    code = "wrong_password"


class LinkSpent(NotSignedIn):
    """Cannot sign in: this link was used already."""

    code = "link_spent"


class LinkExpired(NotSignedIn):
    """Cannot sign in: this link has expired."""

    code = "link_expired"


class LinkUnknown(NotSignedIn):
    """Cannot sign in: there is no such link."""

    code = "link_unknown"


class RoleTooLow(Forbidden):
    """Cannot do that: your role does not allow it."""

    code = "role_too_low"


class ScopeTooNarrow(Forbidden):
    """Cannot do that: this token's scope does not allow it."""

    code = "scope_too_narrow"


class AccountTaken(Conflict):
    """Cannot make this account: the name is taken."""

    code = "account_taken"


class AccountInvalid(Invalid):
    """Cannot take this account."""

    code = "account_invalid"


class PasswordTooShort(Invalid):
    """Cannot take this password: it needs at least 10 characters."""

    code = "password_too_short"


class TokenNotFound(NotFound):
    """There is no such token among yours."""

    code = "token_not_found"


class ForeignOrigin(Forbidden):
    """Cannot do that: the request came from another site."""

    code = "foreign_origin"


class TooManyAttempts(Unavailable):
    """Cannot sign in: there were too many wrong passwords lately."""

    code = "too_many_attempts"


class TooBusy(Unavailable):
    """Cannot sign in just now: too many others do."""

    code = "too_busy"


class KeyReused(Conflict):
    """Cannot do that: its Idempotency-Key was used already."""

    code = "idempotency_key_reused"
