"""Which version of Python an environment is of stands in the environment."""

from __future__ import annotations

import pytest

from tholos.runtime.environments import Environment, version_of


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("home = /usr/bin\nversion_info = 3.11.7\n", "3.11.7"),
        ("version = 3.12.1\nprompt = version_info = 9.9.9\n", "3.12.1"),
        ("version_info = 3.13.0.final.0\n", "3.13.0"),
        ("home = /usr/bin\n", ""),
    ],
)
def test_the_version_is_read(tmp_path, said, version):
    (tmp_path / "pyvenv.cfg").write_text(said)
    made = Environment("env", str(tmp_path), str(tmp_path / "bin" / "python"), (), 0, 0, 0, is_shared=True)
    assert version_of(made) == version


def test_one_that_is_gone_has_none(tmp_path):
    assert not version_of(Environment("env", str(tmp_path / "gone"), "", (), 0, 0, 0, is_shared=True))
