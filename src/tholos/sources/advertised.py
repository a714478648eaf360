"""What a repository says of its branches and tags, as git's protocol writes it. Pure.

Version 2 answers what was asked for (gitprotocol-v2(5), ls-refs), version 0 all there is (gitprotocol-pack(5)).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tholos import __version__
from tholos.sources.errors import FetchFailed

HEAD = "HEAD"
_ID = re.compile(r"[0-9a-f]{40}")
_SYMREF = re.compile(r"(?:^| )symref=HEAD:(\S+)")
_FLUSH, _DELIMITER, _END = b"0000", b"0001", b"0002"


class NotSpoken(FetchFailed):
    """Cannot read what the repository's host answered: it is not what git's protocol has."""

    code = "git_not_spoken"
    usual_fix = "Check the repository's address: it may be that of a page about it."


@dataclass(frozen=True, slots=True)
class Refs:
    """Commits by the full name of what names them; of a tag, what it is a tag of."""

    commits: Mapping[str, str] = field(default_factory=dict)
    head: str = ""
    """What the repository shows first, such as ``refs/heads/main``."""

    @property
    def branches(self) -> list[str]:
        return sorted(
            name.removeprefix("refs/heads/") for name in self.commits if name.startswith("refs/heads/")
        )


def ask(prefixes: Sequence[str]) -> bytes:
    """The body that asks for what begins with one of some texts."""
    lines = [*("peel", "symrefs"), *(f"ref-prefix {one}" for one in prefixes)]
    first = [_line("command=ls-refs"), _line(f"agent=tholos/{__version__}"), _line("object-format=sha1")]
    return b"".join([*first, _DELIMITER, *map(_line, lines), _FLUSH])


def read_answer(data: bytes) -> Refs:
    """What version 2 answers.

    Raises: NotSpoken, FetchFailed: it answered with an error.
    """
    commits: dict[str, str] = {}
    head = ""
    if not data.endswith(_FLUSH):
        raise NotSpoken  # of version 0 there may be nothing at all
    for line in _lines(data):
        name, facts = _split(line)
        commits[name] = facts[0]
        for fact in facts[1:]:
            if fact.startswith("peeled:"):
                commits[name] = _id_of(fact.removeprefix("peeled:"))
            elif name == HEAD and fact.startswith("symref-target:"):
                head = fact.removeprefix("symref-target:")
    return Refs(commits, head)


def read_advertisement(data: bytes) -> Refs:
    """What version 0 says of all there is, behind the line that names the service.

    Raises: NotSpoken, FetchFailed.
    """
    commits: dict[str, str] = {}
    head = ""
    lines = list(_lines(data))
    if not lines or not lines[0].startswith("# service="):
        raise NotSpoken
    for number, line in enumerate(lines[1:]):
        told, _, facts = line.partition("\0")
        if number == 0:
            match = _SYMREF.search(facts)
            head = match[1] if match else ""
        commit, _, name = told.partition(" ")
        if name == "capabilities^{}":
            continue
        commits[name.removesuffix("^{}")] = _id_of(commit)
    return Refs(commits, head)


def read_listing(text: str) -> Refs:
    """What ``git ls-remote --symref`` prints.

    Raises: NotSpoken.
    """
    commits: dict[str, str] = {}
    head = ""
    for line in text.splitlines():
        first, _, name = line.partition("\t")
        if first.startswith("ref: "):
            head = first.removeprefix("ref: ") if name == HEAD else head
            continue
        commits[name.removesuffix("^{}")] = _id_of(first)
    return Refs(commits, head)


def _split(line: str) -> tuple[str, list[str]]:
    commit, _, rest = line.partition(" ")
    name, *facts = rest.split(" ")
    if commit == "unborn":
        raise NotSpoken  # we do not ask for these
    return name, [_id_of(commit), *facts]


def _id_of(text: str) -> str:
    if not _ID.fullmatch(text):
        raise NotSpoken
    return text


def _line(text: str) -> bytes:
    data = text.encode() + b"\n"
    return b"%04x%s" % (len(data) + 4, data)


def _lines(data: bytes) -> Iterator[str]:
    """The lines of packets (gitprotocol-common(5))."""
    at = 0
    while at < len(data):
        head = data[at : at + 4]
        if head in {_FLUSH, _DELIMITER, _END}:
            at += 4
            continue
        try:
            length = int(head, 16) if re.fullmatch(rb"[0-9a-fA-F]{4}", head) else 0
            line = data[at + 4 : at + length].decode()
        except UnicodeDecodeError as error:
            raise NotSpoken from error
        if length < 5 or at + length > len(data):
            raise NotSpoken
        at += length
        if line.startswith("ERR "):
            told = " ".join("".join(one if one.isprintable() else " " for one in line[4:300]).split())
            raise FetchFailed(f"Cannot fetch the repository: its host says: {told}.")
        yield line.removesuffix("\n")
