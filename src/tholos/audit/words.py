"""What was done, in words: each action as people read it. The words of the actions themselves are for programs."""

from __future__ import annotations

from collections.abc import Mapping

from tholos.audit.models import Action

WORDS: Mapping[Action, str] = {
    Action.SIGNED_IN: "signed in",
    Action.SIGNED_OUT: "signed out",
    Action.SIGN_IN_REFUSED: "was refused at sign-in",
    Action.SIGNED_OUT_EVERYWHERE: "signed out everywhere",
    Action.LINK_MADE: "made a sign-in link",
    Action.DEVICE_APPROVED: "let a terminal in",
    Action.DEVICE_REFUSED: "refused a terminal",
    Action.TOKEN_MADE: "made a token",
    Action.TOKEN_REVOKED: "revoked a token",
    Action.TOKEN_EXPIRES: "noticed that a token ends soon",
    Action.ACCOUNT_MADE: "made an account",
    Action.ACCOUNT_CHANGED: "changed an account",
    Action.ACCOUNT_DISABLED: "disabled an account",
    Action.ACCOUNT_ENABLED: "enabled an account",
    Action.PASSWORD_CHANGED: "changed a password",
    Action.IDENTITY_LINKED: "linked a sign-in provider",
    Action.HANDED_OVER: "handed over all that an account owns",
    Action.GROUP_MADE: "made a group",
    Action.GROUP_CHANGED: "changed a group",
    Action.GROUP_REMOVED: "removed a group",
    Action.MEMBER_ADDED: "added a member to a group",
    Action.MEMBER_REMOVED: "removed a member from a group",
    Action.INVITATION_MADE: "made an invitation",
    Action.INVITATION_USED: "used an invitation",
    Action.INVITATION_REVOKED: "revoked an invitation",
    Action.APP_MADE: "made an app",
    Action.APP_CHANGED: "changed an app",
    Action.APP_DELETED: "deleted an app",
    Action.APP_SHARED: "shared an app",
    Action.APP_UNSHARED: "took back a share of an app",
    Action.APP_HANDED_OVER: "handed over an app",
    Action.APP_SERVING: "saw an app serve",
    Action.APP_FAILING: "saw an app fail",
    Action.APP_RESTARTED: "restarted an app",
    Action.ACCESS_REQUESTED: "asked for access to an app",
    Action.ACCESS_GRANTED: "granted access to an app",
    Action.ACCESS_REFUSED: "refused access to an app",
    Action.PUBLISH_BEGUN: "began to publish",
    Action.RELEASE_MADE: "published a release",
    Action.RELEASE_FAILED: "failed to publish a release",
    Action.RELEASE_ACTIVATED: "made a release live",
    Action.RELEASE_ROLLED_BACK: "rolled back to a release",
    Action.RELEASE_PINNED: "pinned a release",
    Action.RELEASE_UNPINNED: "unpinned a release",
    Action.RELEASE_REMOVED: "removed a release",
    Action.DRAFT_MADE: "made a draft",
    Action.DRAFT_DISCARDED: "discarded a draft",
    Action.DOWNLOADED: "downloaded a release",
    Action.CONTENT_STORED: "stored content",
    Action.OPERATION_CANCELLED: "cancelled an operation",
    Action.VARIABLE_SET: "set a variable",
    Action.VARIABLE_REMOVED: "removed a variable",
    Action.SECRET_SET: "set a secret",
    Action.SECRET_REMOVED: "removed a secret",
    Action.SECRET_SHARED: "shared a secret",
    Action.KEY_ROTATED: "rotated the key of secrets",
    Action.WEBHOOK_MADE: "made a webhook",
    Action.WEBHOOK_CHANGED: "changed a webhook",
    Action.WEBHOOK_REMOVED: "removed a webhook",
    Action.WEBHOOK_TESTED: "tested a webhook",
    Action.WEBHOOK_GIVEN_UP: "gave up on a webhook",
    Action.DELIVERY_REPEATED: "sent a delivery again",
    Action.PREFERENCE_CHANGED: "changed what they are told",
    Action.AUDIT_EXPORTED: "exported the audit record",
}


def words_of(action: str) -> str:
    """An action in words; one that a later version wrote is named as it is."""
    return WORDS[Action(action)] if action in set(Action) else action
