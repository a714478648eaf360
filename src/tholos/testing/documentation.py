"""The code blocks of the documentation, and a terminal to run them in."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

from tholos.testing.installation import Installation

WRITTEN_PORT = "localhost:8080"
"""Where the pages say that the server is."""
_FILE = re.compile(r"\b[Ww]rite `([\w./-]+)`:$")
_ANYTHING = "…"
_SCRIPT = """. "$1"; eval "$2"; code=$?; { export -p; printf 'cd %q\\n' "$PWD"; } > "$1"; exit $code"""


@dataclass(frozen=True, slots=True)
class Block:
    """A code block of a page."""

    language: str
    """``indented`` for one without a fence."""
    text: str
    line: int
    file: str
    """Where the reader is told to write it, by a paragraph that ends so: ``Write `app.py`:``; else empty."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A command of a block, and what the page shows of its output; empty where it shows nothing."""

    command: str
    shown: str

    @property
    def is_refused(self) -> bool:
        """Whether the page shows that it fails."""
        return any(line.startswith("tholos: ") for line in self.shown.splitlines())


def blocks_of(page: str) -> Iterator[Block]:
    """The code blocks in the text of a page."""
    tokens = MarkdownIt("commonmark").enable("table").parse(page)
    for at, token in enumerate(tokens):
        line = (token.map or [0])[0] + 1
        if token.type == "fence":
            is_after_text = at > 1 and tokens[at - 1].type == "paragraph_close"
            told = _FILE.search(tokens[at - 2].content) if is_after_text else None
            yield Block(token.info.strip(), token.content, line, told[1] if told else "")
        elif token.type == "code_block":
            yield Block("indented", token.content, line, "")


def typed_in(block: str) -> Iterator[Typed]:
    """The commands of a console block, each after ``$``; a line that ends in a backslash goes on in the next."""
    joined = block.replace("\\\n", "")
    for part in re.split(r"^\$ ", joined, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield Typed(command.partition("  # ")[0].strip(), shown.strip())


def calls_in(command: str) -> Iterator[list[str]]:
    """The programs that a command line calls, each with its arguments."""
    words = shlex.shlex(command, posix=True, punctuation_chars="|&;<>")
    words.whitespace_split = True
    called: list[str] = []
    for word in [*words, ";"]:
        if word and set(word) <= set("|&;<>"):
            if called:
                yield called
            called = []
        else:
            called.append(word)


def is_as_shown(output: str, shown: str) -> bool:
    """Whether an output is what a page shows: ``…`` stands for anything, and any white space for any other."""
    pieces = [r"\s+".join(map(re.escape, piece.split())) for piece in shown.split(_ANYTHING)]
    return (
        re.fullmatch(r"\s*" + r".*".join(rf"\s*{piece}\s*" for piece in pieces), output, re.DOTALL)
        is not None
    )


@dataclass(slots=True)
class Terminal:
    """A shell that goes on from command to command: its folder, and what it exported."""

    server: Installation
    folder: Path
    """Where it begins."""
    home: Path

    def run(self, command: str) -> tuple[int, str]:
        """Exit code and all that was printed, with the port that the pages speak of."""
        state = self.home / "state.sh"
        if not state.exists():
            state.write_text(f"cd '{self.folder}'\n")
        done = subprocess.run(
            ["bash", "-c", _SCRIPT, "bash", str(state), self.at_port(command)],
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout.replace(f"localhost:{self.server.port}", WRITTEN_PORT)

    def at_port(self, text: str) -> str:
        """A text of a page with the port that the server really has."""
        return text.replace(WRITTEN_PORT, f"localhost:{self.server.port}")

    @property
    def env(self) -> dict[str, str]:
        programs = self.home / "bin"
        if not programs.exists():
            programs.mkdir()
            (programs / "tholos").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tholos.cli "$@"\n')
            (programs / "tholos").chmod(0o755)
        return {
            **self.server.environment(),
            "PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "THOLOS_SERVER": self.server.url,
            "THOLOS_TOKEN": self.server.token,
        }
