"""JSON shapes of letting a terminal in, and of identities at a provider."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from tholos.accounts.models import Identity
from tholos.kit.clock import to_text


class DeviceCodeIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    label: str = Field("", max_length=80, description="What the person is shown of the terminal.")


class DeviceCodeOut(BaseModel):
    """The names are those of RFC 8628."""

    device_code: str = Field(description="The terminal's own secret; nobody else is shown it.")
    user_code: str = Field(description="What the person types, or compares.")
    verification_uri: str
    verification_uri_complete: str
    expires_in: int = Field(description="Seconds.")
    interval: int = Field(description="Seconds to wait between two questions.")


class DeviceTokenIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    device_code: str = Field(max_length=200)


class IdentityOut(BaseModel):
    id: str
    issuer: str
    subject: str
    email: str
    created_at: str
    used_at: str


class IdentityList(BaseModel):
    items: list[IdentityOut]
    next: str | None = None


def identity_out(identity: Identity) -> IdentityOut:
    return IdentityOut(
        id=identity.id,
        issuer=identity.issuer,
        subject=identity.subject,
        email=identity.email or "",
        created_at=to_text(identity.created_at) or "",
        used_at=to_text(identity.used_at) or "",
    )
