"""The rig around the real provider says what it lacks."""

import pytest

from tholos.testing import openid_provider


def test_a_missing_program_fails_and_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AssertionError, match=r"missing: npm; install Node\.js 18 or later"):
        openid_provider.install(tmp_path / "cache")


def test_its_packages_are_locked():
    """What the lock says is what runs: nothing is resolved anew, and nobody's registry is written down."""
    text = (openid_provider.FOLDER / "package-lock.json").read_text("utf-8")
    assert '"node_modules/oidc-provider"' in text
    assert text.count('"integrity"') == text.count('"version"')
    assert '"resolved"' not in text
