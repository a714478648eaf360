"""Commands about webhooks: list, add, remove, test, deliveries."""

from __future__ import annotations

import json
import time
from dataclasses import asdict

from tholos.cli.console import Console, age_of, of_terminal, say_done
from tholos.cli.failures import FAILED, print_json
from tholos.cli.session import connected
from tholos.client.api import Client
from tholos.client.deeds import Delivery

TEST_SECONDS = 15.0
"""That a test is waited for; longer than one attempt takes."""


def list_webhooks(*, app: str, server: str | None, as_json: bool) -> int:
    """Print the webhooks that this account may change."""
    with connected(server) as client:
        found = client.webhooks(app)
    if as_json:
        print_json(webhooks=[asdict(one) for one in found])
        return 0
    console = of_terminal()
    if not found:
        console.row("no other system is told yet · tholos webhooks add URL")
        return 0
    rows = [
        (one.id, one.app or "all apps", one.label or "-", one.url, state_of(one.is_active, one.failing_since))
        for one in found
    ]
    console.table([("WEBHOOK", "APP", "LABEL", "ADDRESS", "STATE"), *rows])
    return 0


def add_webhook(
    *, url: str, app: str, label: str, form: str, actions: list[str] | None, server: str | None, as_json: bool
) -> int:
    """Make a webhook, and print its secret, which is shown this once."""
    with connected(server) as client:
        made = client.create_webhook(url, app=app, label=label, form=form, actions=actions or ())
    if as_json:
        print_json(webhook=asdict(made.webhook), secret=made.secret)
        return 0
    console = of_terminal()
    console.row("webhook", made.webhook.id)
    console.row("secret", made.secret)
    console.note(f"The secret is not shown again. Try it: tholos webhooks test {made.webhook.id}")
    return 0


def edit_webhook(
    *,
    webhook: str,
    url: str | None,
    label: str | None,
    form: str | None,
    actions: list[str] | None,
    all_actions: bool,
    pause: bool,
    resume: bool,
    server: str | None,
    as_json: bool,
) -> int:
    """Change a webhook, or show what it is."""
    is_active = False if pause else True if resume else None
    told = [] if all_actions else actions
    with connected(server) as client:
        if all(one is None for one in (url, label, form, told, is_active)):
            found = client.webhook(webhook)
        else:
            found = client.change_webhook(
                webhook, url=url, label=label, form=form, actions=told, is_active=is_active
            )
    if as_json:
        print_json(webhook=asdict(found))
        return 0
    console = of_terminal()
    console.row("address", found.url)
    console.row("app", found.app or "all apps")
    console.row("label", found.label or "-")
    console.row("form", found.form)
    console.row("told", ", ".join(found.actions) or "all that is worth telling")
    console.row("state", state_of(found.is_active, found.failing_since))
    return 0


def remove_webhook(*, webhook: str, server: str | None, as_json: bool) -> int:
    """Remove a webhook; what was still to be sent there is not."""
    with connected(server) as client:
        client.remove_webhook(webhook)
    return say_done(webhook, "removed", as_json=as_json, webhook=webhook, state="removed")


def test_webhook(*, webhook: str, server: str | None, as_json: bool) -> int:
    """Send a word there, and print whether it arrived."""
    with connected(server) as client:
        delivery = wait_for(client, webhook, client.send_test(webhook))
    if as_json:
        print_json(delivery=asdict(delivery))
    else:
        print_delivery(of_terminal(), delivery)
    return 0 if delivery.state == "delivered" else FAILED


def list_deliveries(
    *, webhook: str, show: str, repeat: str, lines: int, server: str | None, as_json: bool
) -> int:
    """Print what was sent to a webhook and how it went; or the body of one of those, or send one once more."""
    with connected(server) as client:
        if show:
            found = [client.delivery(webhook, show)]
        elif repeat:
            found = [wait_for(client, webhook, client.repeat_delivery(webhook, repeat))]
        else:
            found = client.deliveries(webhook, most=lines)
    if as_json:
        print_json(deliveries=[asdict(one) for one in found])
        return 0
    console = of_terminal()
    if not found:
        console.row(f"nothing was sent there yet · tholos webhooks test {webhook}")
    for one in found:
        print_delivery(console, one)
    if show:
        print(json.dumps(found[0].body, indent=2, ensure_ascii=False))
    return 0


def wait_for(client: Client, webhook: str, delivery: Delivery) -> Delivery:
    """The delivery once it was tried, or as it is after a while."""
    until = time.monotonic() + TEST_SECONDS
    while delivery.state == "queued" and time.monotonic() < until:
        time.sleep(0.2)
        delivery = client.delivery(webhook, delivery.id)
    return delivery


def print_delivery(console: Console, delivery: Delivery) -> None:
    answered = f", answered {delivery.last_status}" if delivery.last_status else ""
    console.row(
        delivery.state.replace("_", " "),
        f"{delivery.action}{answered}  {delivery.id}",
        age_of(delivery.created_at),
    )
    if delivery.last_error:
        console.row("", delivery.last_error)


def state_of(is_active: bool, failing_since: str) -> str:
    if not is_active:
        return "switched off"
    return f"failing since {age_of(failing_since)}" if failing_since else "on"
