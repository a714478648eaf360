"""What a shell completes: asked of bash itself, with the script that is printed."""

from __future__ import annotations

import os
import subprocess

import pytest

from tholos.cli.completion import print_completion

ASK = """
source ./script
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_tholos
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def complete(tmp_path, capsys):
    """What bash offers for the last of some words; the server has two apps."""
    assert print_completion(shell="bash") == 0  # noqa: S604 - it is a name
    (tmp_path / "script").write_text(capsys.readouterr().out)
    fake = tmp_path / "tholos"
    fake.write_text('#!/bin/sh\n[ "$*" = "list --names" ] && printf "sales\\nsalad\\n"\n')
    fake.chmod(0o755)

    def ask(*words: str) -> list[str]:
        ran = subprocess.run(
            ["bash", "-uc", ASK, "bash", "tholos", *words], cwd=tmp_path, capture_output=True, text=True, timeout=30,
            env={"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}, check=True,
        )  # fmt: skip
        assert ran.stderr == ""
        return ran.stdout.split()

    return ask


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["rel"], ["releases"]),
        (["webhooks", "de"], ["deliveries"]),
        (["list", "--n"], ["--names"]),
        (["list", "--show", "m"], ["mine"]),
        (["list", "--show", "mine", "--na"], ["--names"]),
        (["status", ""], ["sales", "salad"]),
        (["status", "--server", "http://x", "sale"], ["sales"]),
        (["tokens", "add", "CI", "--app", "sala"], ["salad"]),
        (["hand-over", "sales", ""], []),
        (["completion", "b"], ["bash"]),
        (["status", "sales", ""], []),
    ],
)
def test_a_word_is_completed(complete, words, expected):
    assert complete(*words) == expected


def test_every_first_word_is_offered(complete):
    assert {"up", "publish", "users", "password"} <= set(complete(""))


def test_zsh_takes_the_same_and_fish_its_own(capsys):
    print_completion(shell="zsh")  # noqa: S604 - the same
    assert capsys.readouterr().out.startswith("#compdef tholos\n")
    print_completion(shell="fish")  # noqa: S604 - the same
    lines = capsys.readouterr().out.splitlines()
    assert "complete -c tholos -n '__tholos_is users' -a list -d 'people and programs'" in lines
    assert any(
        line.startswith("complete -c tholos -n '__tholos_in list' -l show -r -a 'pinned") for line in lines
    )
