"""The table of bundles: the files that were sent for an app, whether or not a release was made of them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Integer
from sqlalchemy.orm import Mapped, mapped_column

from tholos.kit.db import Base, JsonObject


class Bundle(Base):
    """Never changed; ``id`` ascends in the order in which bundles came. The releases of its app with the same snapshot are
    those that were made of it.
    """

    __tablename__ = "bundles"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    app_id: Mapped[str] = mapped_column(ForeignKey("apps.id"), index=True)
    author_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    snapshot: Mapped[str]
    files: Mapped[int]
    bytes: Mapped[int] = mapped_column(BigInteger)
    origin: Mapped[JsonObject]
    """What its sender says of where it comes from, such as repository, branch and commit: texts by name."""
    said: Mapped[JsonObject]
    """What its manifest says of it, as far as it is shown: ``appmode``, ``content_category``, ``python``."""
    created_at: Mapped[datetime]
