"""The server's public API as typed calls, one method per route, put together from what each module knows of it."""

from __future__ import annotations

from tholos.client.deeds import DeedCalls
from tholos.client.logs import LogCalls
from tholos.client.own import OwnCalls
from tholos.client.paths import PathCalls
from tholos.client.people import PeopleCalls
from tholos.client.quotas import QuotaCalls
from tholos.client.releases import ReleaseCalls
from tholos.client.schedules import ScheduleCalls
from tholos.client.settling import SettlingCalls
from tholos.client.sharing import SharingCalls
from tholos.client.signing_in import SignInCalls
from tholos.client.sources import SourceCalls
from tholos.client.tags import TagCalls
from tholos.client.usage import UsageCalls
from tholos.client.variables import VariableCalls


class Client(
    SignInCalls,
    ReleaseCalls,
    LogCalls,
    SharingCalls,
    VariableCalls,
    SettlingCalls,
    TagCalls,
    PathCalls,
    UsageCalls,
    OwnCalls,
    PeopleCalls,
    QuotaCalls,
    DeedCalls,
    SourceCalls,
    ScheduleCalls,
):
    """A connection to one server.

    Args:
        server: its URL, such as ``http://localhost:8080``.
        token: an API token; empty for the few calls that need none.
        patience: how long a call goes on trying while the server is away.

    Every call raises the errors of ``tholos.client.errors``. Use it in a ``with`` statement or close it.
    """
