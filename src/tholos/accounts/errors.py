"""What can be wrong with accounts and their credentials."""

from __future__ import annotations

from tholos.kit.errors import Conflict, Forbidden, Invalid, NotFound, NotSignedIn, Unavailable


class WrongPassword(NotSignedIn):
    """Cannot sign in: name and password do not belong together."""

    code = "wrong_password"
    usual_fix = "Ask an administrator for a link that signs you in, and set another password then."


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


class SignInTooOld(Forbidden):
    """Cannot do that: here it needs the password again, unless the last sign-in is less than ten minutes ago."""

    code = "sign_in_too_old"
    usual_fix = "Sign in again, then do it once more."


class AccountTaken(Conflict):
    """Cannot make this account: the name is taken."""

    code = "account_taken"
    usual_fix = "Choose another name."


class AccountInvalid(Invalid):
    """Cannot take this account."""

    code = "account_invalid"
    usual_fix = "Change it as the message says, and try again."


class PresentPasswordWrong(Invalid):
    """Cannot change the password: this is not the present one."""

    code = "present_password_wrong"
    usual_fix = (
        "Who does not know it asks an administrator for a link that signs in, and sets another one then."
    )


class PasswordTooShort(Invalid):
    """Cannot take this password: it needs at least 10 characters."""

    code = "password_too_short"
    usual_fix = "Take a longer one; a few words do well."


class TokenNotFound(NotFound):
    """There is no such token among yours."""

    code = "token_not_found"
    usual_fix = "See those that are good: tholos tokens list"


class AccountNotFound(NotFound):
    """There is no such account."""

    code = "account_not_found"
    usual_fix = "See who there is: tholos users list"


class LastAdministrator(Conflict):
    """Cannot do that: nobody else could administer this installation."""

    code = "last_administrator"


class NotOneself(Conflict):
    """Cannot do that to yourself: another administrator does."""

    code = "not_oneself"
    usual_fix = "Ask another administrator."


class AccountDisabled(Conflict):
    """Cannot do that: this account is disabled."""

    code = "account_disabled"


class GroupNotFound(NotFound):
    """There is no such group."""

    code = "group_not_found"


class GroupInvalid(Invalid):
    """Cannot take this as a group."""

    code = "group_invalid"
    usual_fix = "Change it as the message says, and try again."


class GroupTaken(Conflict):
    """Cannot call a group so: there is one of that name."""

    code = "group_taken"
    usual_fix = "Choose another name, or add people to the one that there is: tholos groups list"


class GroupClaimed(Conflict):
    """Cannot change this group: the sign-in provider says who is in it."""

    code = "group_claimed"


class MemberNotFound(NotFound):
    """That account is not in the group."""

    code = "member_not_found"
    usual_fix = "See who is in it: tholos groups show NAME"


class TooManyGroups(Conflict):
    """Cannot make a further group: there are too many."""

    code = "too_many_groups"
    usual_fix = "Remove one that nobody needs: tholos groups list"


class NoServiceAccount(Invalid):
    """Cannot make a token for a person: people make their own."""

    code = "no_service_account"


class SessionNotFound(NotFound):
    """There is no such session among yours."""

    code = "session_not_found"
    usual_fix = "See those that are open: tholos sessions list"


class ProfileInvalid(Invalid):
    """Cannot take this as a person's name or mail address."""

    code = "profile_invalid"
    usual_fix = "Take a shorter one, of letters, digits and signs."


class InvitationInvalid(Invalid):
    """Cannot invite so."""

    code = "invitation_invalid"
    usual_fix = "Change it as the message says, and try again."


class InvitationRefused(Forbidden):
    """Cannot invite to that: your role does not allow it."""

    code = "invitation_refused"


class InvitationNotFound(NotFound):
    """There is no such invitation."""

    code = "invitation_not_found"
    usual_fix = "See those that there are: tholos invitations list"


class InvitationSpent(Conflict):
    """Cannot use this invitation: it was used already."""

    code = "invitation_spent"


class InvitationExpired(Conflict):
    """Cannot use this invitation: it has expired."""

    code = "invitation_expired"


class InvitationRevoked(Conflict):
    """Cannot use this invitation: it was taken back."""

    code = "invitation_revoked"
    usual_fix = "Ask for another one, or make one: tholos invite"


class InvitationWithdrawn(Conflict):
    """Cannot use this invitation: who made it may not give any more what it is to."""

    code = "invitation_withdrawn"
    usual_fix = "Ask whoever sent it for another one."


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


class SignInLost(NotSignedIn):
    """Cannot sign in: this is no sign-in that this browser began a moment ago."""

    code = "sign_in_lost"


class PersonRefused(Forbidden):
    """Cannot sign in: the provider knows you, and this installation does not let you in."""

    code = "person_refused"


class IdentityChanged(PersonRefused):
    """Cannot sign in: the provider knows you as somebody else than before."""

    code = "identity_changed"


class IdentityNotFound(NotFound):
    """There is no such identity of that account."""

    code = "identity_not_found"
    usual_fix = "See those that there are on the person's page."


class DeviceCodeUnknown(NotFound):
    """No terminal waits for this code."""

    code = "device_code_unknown"


class DeviceNeedsBrowser(Forbidden):
    """Cannot let a terminal in by a token: only somebody who is signed in in a browser can."""

    code = "device_needs_browser"


class PasswordNeedsBrowser(Forbidden):
    """Cannot set a first password by a token: only somebody who is signed in in a browser can."""

    code = "password_needs_browser"


class PasswordNotForPrograms(Forbidden):
    """Cannot set a password: this account is a program's, which has tokens only."""

    code = "password_not_for_programs"


class AuthorizationPending(Invalid):
    """Cannot sign in yet: nobody has let this terminal in so far."""

    code = "authorization_pending"


class SlowDown(Invalid):
    """Cannot sign in yet: this terminal asks too often."""

    code = "slow_down"


class DeviceRefused(Forbidden):
    """Cannot sign in: somebody refused to let this terminal in."""

    code = "access_denied"


class DeviceExpired(Invalid):
    """Cannot sign in: nobody has let this terminal in in time, or it was let in already."""

    code = "expired_token"


class AlreadyInUse(Forbidden):
    """Cannot give out the first key: somebody came in already."""

    code = "already_in_use"
    usual_fix = "Sign in, and make a token on your account's page."
