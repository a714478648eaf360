"""What can be wrong with variables and secrets. No message holds a value."""

from __future__ import annotations

from tholos.kit.errors import Conflict, Forbidden, Invalid, NotFound


class NameInvalid(Invalid):
    """Cannot give a variable this name."""

    code = "variable_name_invalid"


class SecretNameInvalid(Invalid):
    """Cannot give a secret this name."""

    code = "secret_name_invalid"


class ValueInvalid(Invalid):
    """Cannot give a variable this value."""

    code = "variable_value_invalid"
    usual_fix = "Give it as text, such as 120."


class TooMany(Invalid):
    """Cannot set so many variables."""

    code = "too_many_variables"


class VariableNotFound(NotFound):
    """The app has no such variable."""

    code = "variable_not_found"
    usual_fix = "See those that there are: tholos vars list"


class SaidTwice(Invalid):
    """Cannot do two things with one variable at once."""

    code = "variable_said_twice"
    usual_fix = "Say only one of them."


class NothingReleased(Conflict):
    """Cannot set variables of this app: nothing of it was published yet, and variables belong to a release."""

    code = "nothing_released"


class SecretNotFound(NotFound):
    """There is no such secret among those you may use."""

    code = "secret_not_found"


class SecretNotYours(Forbidden):
    """Cannot do that with this secret: only its owner does."""

    code = "secret_not_yours"


class SecretNameTaken(Conflict):
    """Cannot give a secret this name: there is one of that name."""

    code = "secret_name_taken"


class TooManySecrets(Conflict):
    """Cannot make another secret: you have as many as there may be."""

    code = "too_many_secrets"


class SecretInUse(Conflict):
    """Cannot remove this secret: apps use it."""

    code = "secret_in_use"


class VariableUnavailable(Conflict):
    """Cannot start the app: the value of a variable is gone."""

    code = "variable_unavailable"
