"""The one list of columns that hold something sealed, for rotating the key."""

from __future__ import annotations

from tholos.accounts.answers import about_body, about_fingerprint
from tholos.accounts.models import KeptAnswer
from tholos.notifications.models import Webhook
from tholos.sources import credentials
from tholos.sources import service as sources
from tholos.sources.models import GitCredential, Source
from tholos.variables import resealing
from tholos.variables.resealing import SealedColumn, sealed_column

COLUMNS: tuple[SealedColumn, ...] = (
    *resealing.OWN,
    sealed_column(KeptAnswer, "body", about_body),
    sealed_column(KeptAnswer, "fingerprint", about_fingerprint),
    sealed_column(Source, "sealed", sources.about),
    sealed_column(GitCredential, "sealed", credentials.about),
    sealed_column(Webhook, "sealed", lambda webhook: f"webhook {webhook.id}"),
)
