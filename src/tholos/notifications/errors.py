"""What can be wrong with webhooks, deliveries and preferences."""

from __future__ import annotations

from tholos.kit.errors import Conflict, Invalid, NotFound


class WebhookNotFound(NotFound):
    """There is no such webhook among those you may change."""

    code = "webhook_not_found"
    usual_fix = "See those that there are: tholos webhooks list"


class DeliveryNotFound(NotFound):
    """There is no such delivery."""

    code = "delivery_not_found"
    usual_fix = "See those that there are: tholos webhooks deliveries WEBHOOK"


class WebhookInvalid(Invalid):
    """Cannot make this webhook."""

    code = "webhook_invalid"


class TooManyWebhooks(Conflict):
    """Cannot make another webhook: there are as many as there may be."""

    code = "too_many_webhooks"


class DeliveryWaits(Conflict):
    """Cannot send this again: it is still to be sent."""

    code = "delivery_waits"


class PreferenceInvalid(Invalid):
    """Cannot mute that: nobody is told of it."""

    code = "preference_invalid"
