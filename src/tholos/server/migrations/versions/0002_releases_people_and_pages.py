"""releases, people and pages: sharing, groups, invitations, drafts, variables, the record of deeds."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

from tholos.kit.db import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor_id", sa.String(), nullable=True),
        sa.Column("actor_name", sa.String(), nullable=False),
        sa.Column("credential", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("subject_name", sa.String(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=True),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("audit_entries") as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_entries_action"), ["action"], unique=False)
        batch_op.create_index("ix_audit_entries_actor", ["actor_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_entries_at"), ["at"], unique=False)
        batch_op.create_index("ix_audit_entries_subject", ["subject_kind", "subject_id", "id"], unique=False)

    op.create_table(
        "provider_sign_ins",
        sa.Column("state_hash", sa.String(), nullable=False),
        sa.Column("browser_hash", sa.String(), nullable=False),
        sa.Column("nonce", sa.String(), nullable=False),
        sa.Column("verifier", sa.String(), nullable=False),
        sa.Column("next_path", sa.String(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("state_hash", name=op.f("pk_provider_sign_ins")),
    )
    op.create_table(
        "grants",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("object_kind", sa.String(), nullable=False),
        sa.Column("object_id", sa.String(), nullable=False),
        sa.Column("principal_kind", sa.String(), nullable=False),
        sa.Column("principal_id", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("level in ('viewer', 'editor')", name=op.f("ck_grants_level")),
        sa.CheckConstraint("principal_kind in ('account', 'group')", name=op.f("ck_grants_principal_kind")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_grants_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grants")),
        sa.UniqueConstraint("object_id", "principal_id", name=op.f("uq_grants_object_id_principal_id")),
    )
    with op.batch_alter_table("grants") as batch_op:
        batch_op.create_index(batch_op.f("ix_grants_principal_id"), ["principal_id"], unique=False)

    op.create_table(
        "groups",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("is_claimed", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_groups_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_groups")),
        sa.UniqueConstraint("organization_id", "name", name=op.f("uq_groups_organization_id_name")),
    )
    op.create_table(
        "access_requests",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("object_kind", sa.String(), nullable=False),
        sa.Column("object_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_access_requests_account_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_access_requests_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_requests")),
    )
    with op.batch_alter_table("access_requests") as batch_op:
        batch_op.create_index(batch_op.f("ix_access_requests_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_access_requests_object_id"), ["object_id"], unique=False)
        batch_op.create_index(
            "uq_access_requests_open",
            ["object_id", "account_id"],
            unique=True,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )

    op.create_table(
        "device_sign_ins",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("device_hash", sa.String(), nullable=False),
        sa.Column("user_code_hash", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_device_sign_ins_account_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_device_sign_ins_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_sign_ins")),
        sa.UniqueConstraint("device_hash", name=op.f("uq_device_sign_ins_device_hash")),
        sa.UniqueConstraint("user_code_hash", name=op.f("uq_device_sign_ins_user_code_hash")),
    )
    op.create_table(
        "identities",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_identities_account_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_identities_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identities")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_identities_issuer_subject")),
    )
    with op.batch_alter_table("identities") as batch_op:
        batch_op.create_index(batch_op.f("ix_identities_account_id"), ["account_id"], unique=False)

    op.create_table(
        "invitations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("inviter_id", sa.String(), nullable=False),
        sa.Column("code_hash", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("group_id", sa.String(), nullable=True),
        sa.Column("object_kind", sa.String(), nullable=False),
        sa.Column("object_id", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("uses_left", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["group_id"], ["groups.id"], name=op.f("fk_invitations_group_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["inviter_id"], ["accounts.id"], name=op.f("fk_invitations_inviter_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_invitations_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_invitations_code_hash")),
    )
    with op.batch_alter_table("invitations") as batch_op:
        batch_op.create_index(batch_op.f("ix_invitations_inviter_id"), ["inviter_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_invitations_object_id"), ["object_id"], unique=False)

    op.create_table(
        "kept_answers",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_kept_answers_account_id")),
        sa.PrimaryKeyConstraint("account_id", "key", name=op.f("pk_kept_answers")),
    )
    with op.batch_alter_table("kept_answers") as batch_op:
        batch_op.create_index(batch_op.f("ix_kept_answers_created_at"), ["created_at"], unique=False)

    op.create_table(
        "memberships",
        sa.Column("group_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_memberships_account_id")),
        sa.ForeignKeyConstraint(
            ["group_id"], ["groups.id"], name=op.f("fk_memberships_group_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("group_id", "account_id", name=op.f("pk_memberships")),
    )
    with op.batch_alter_table("memberships") as batch_op:
        batch_op.create_index(batch_op.f("ix_memberships_account_id"), ["account_id"], unique=False)

    op.create_table(
        "secrets",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_secrets_organization_id")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["accounts.id"], name=op.f("fk_secrets_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_secrets")),
        sa.UniqueConstraint(
            "organization_id", "app_id", "name", name=op.f("uq_secrets_organization_id_app_id_name")
        ),
    )
    with op.batch_alter_table("secrets") as batch_op:
        batch_op.create_index(batch_op.f("ix_secrets_app_id"), ["app_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_secrets_owner_id"), ["owner_id"], unique=False)

    op.create_table(
        "former_secrets",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("secret_id", sa.String(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_former_secrets")),
    )
    with op.batch_alter_table("former_secrets") as batch_op:
        batch_op.create_index(batch_op.f("ix_former_secrets_secret_id"), ["secret_id"], unique=False)

    op.create_table(
        "invitation_uses",
        sa.Column("invitation_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_invitation_uses_account_id")),
        sa.ForeignKeyConstraint(
            ["invitation_id"], ["invitations.id"], name=op.f("fk_invitation_uses_invitation_id")
        ),
        sa.PrimaryKeyConstraint("invitation_id", "account_id", name=op.f("pk_invitation_uses")),
    )
    op.create_table(
        "variable_values",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_variable_values_app_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_variable_values_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_variable_values")),
    )
    with op.batch_alter_table("variable_values") as batch_op:
        batch_op.create_index(batch_op.f("ix_variable_values_app_id"), ["app_id"], unique=False)

    op.create_table(
        "visits",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=True),
        sa.Column("openings", sa.Integer(), nullable=False),
        sa.Column("is_pinned", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_visits_account_id")),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_visits_app_id")),
        sa.PrimaryKeyConstraint("account_id", "app_id", name=op.f("pk_visits")),
    )
    with op.batch_alter_table("visits") as batch_op:
        batch_op.create_index(batch_op.f("ix_visits_app_id"), ["app_id"], unique=False)

    with op.batch_alter_table("accounts") as batch_op:
        batch_op.add_column(
            sa.Column("kind", sa.String(), nullable=False, server_default=sa.text("'person'"))
        )
        batch_op.add_column(sa.Column("full_name", sa.String(), nullable=False, server_default=sa.text("''")))
        batch_op.add_column(sa.Column("email", sa.String(), nullable=True))
        batch_op.add_column(
            sa.Column("is_email_unchecked", sa.Boolean(), nullable=False, server_default=sa.text("false"))
        )
        batch_op.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default=sa.text("'1'")))
        batch_op.add_column(sa.Column("seen_at", UtcDateTime(), nullable=True))
        batch_op.create_index(batch_op.f("ix_accounts_email"), ["email"], unique=False)

    with op.batch_alter_table("apps") as batch_op:
        batch_op.add_column(sa.Column("title", sa.String(), nullable=False, server_default=sa.text("''")))
        batch_op.add_column(sa.Column("description", sa.Text(), nullable=False, server_default=sa.text("''")))
        batch_op.add_column(
            sa.Column("audience", sa.String(), nullable=False, server_default=sa.text("'listed'"))
        )
        batch_op.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default=sa.text("'1'")))
        batch_op.add_column(sa.Column("keep_releases", sa.Integer(), nullable=True))

    with op.batch_alter_table("handles") as batch_op:
        batch_op.add_column(sa.Column("release", sa.Integer(), nullable=False, server_default=sa.text("'0'")))

    with op.batch_alter_table("handover_codes") as batch_op:
        batch_op.add_column(sa.Column("release", sa.Integer(), nullable=False, server_default=sa.text("'0'")))

    with op.batch_alter_table("releases") as batch_op:
        batch_op.add_column(
            sa.Column("origin", sa.String(), nullable=False, server_default=sa.text("'publish'"))
        )
        batch_op.add_column(sa.Column("based_on", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("is_pinned", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("live_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("kind", sa.String(), nullable=False, server_default=sa.text("''")))
        batch_op.add_column(sa.Column("framework", sa.String(), nullable=False, server_default=sa.text("''")))
        batch_op.add_column(
            sa.Column("entrypoint", sa.String(), nullable=False, server_default=sa.text("''"))
        )
        batch_op.add_column(sa.Column("settings", sa.JSON(), nullable=False, server_default=sa.text("'{}'")))

    with op.batch_alter_table("sessions") as batch_op:
        batch_op.add_column(sa.Column("label", sa.String(), nullable=False, server_default=sa.text("''")))
        batch_op.add_column(sa.Column("address", sa.String(), nullable=False, server_default=sa.text("''")))

    with op.batch_alter_table("tokens") as batch_op:
        batch_op.add_column(sa.Column("scope", sa.String(), nullable=False, server_default=sa.text("'full'")))
        batch_op.add_column(sa.Column("object_id", sa.String(), nullable=True))

    _tell_from_manifests()


def _tell_from_manifests() -> None:
    """What lists show of a release has columns of its own from here on; what is live has been since it was switched to."""
    connection = op.get_bind()
    rows = connection.execute(sa.text("select id, manifest from releases")).all()
    for release_id, manifest in rows:
        facts = json.loads(manifest) if isinstance(manifest, str) else manifest
        values = {name: str(facts.get(name) or "") for name in ("kind", "framework", "entrypoint")}
        connection.execute(
            sa.text(
                "update releases set kind = :kind, framework = :framework, entrypoint = :entrypoint where id = :id"
            ),
            {**values, "id": release_id},
        )
    connection.execute(
        sa.text(
            "update releases set live_at = (select changed_at from pointers"
            " where pointers.release_id = releases.id and pointers.name = 'live')"
        )
    )
