"""What keeps a backup from being taken."""

import os

import pytest

from tholos.runtime.layout import Layout
from tholos.server import backup
from tholos.server.backup import NoInstallation, NotItsUser


def test_another_users_installation_is_left_alone(tmp_path, monkeypatch):
    (tmp_path / "keys").mkdir()
    owner = os.getuid()
    monkeypatch.setattr(backup.os, "getuid", lambda: owner + 1)
    with pytest.raises(NotItsUser, match=f"belongs to user {owner}"):
        backup.take(Layout(tmp_path), "", tmp_path / "backup.tar")
    assert [path.name for path in tmp_path.iterdir()] == ["keys"]


def test_a_folder_without_an_installation_is_none(tmp_path):
    with pytest.raises(NoInstallation):
        backup.take(Layout(tmp_path), "", tmp_path / "backup.tar")
