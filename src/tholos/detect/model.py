"""What detection is asked and what it answers, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Kind(StrEnum):
    """How an app is started and spoken to."""

    WSGI = "wsgi"
    ASGI = "asgi"
    STREAMLIT = "streamlit"
    GRADIO = "gradio"
    BOKEH = "bokeh"
    PANEL = "panel"
    VOILA = "voila"
    NOTEBOOK = "notebook"
    """Executed and rendered when it starts; what comes of that is served as a site."""
    STATIC = "static"
    MARIMO = "marimo"
    COMMAND = "command"
    """Whatever listens on a port of its own; its entry point is a line for the shell."""


SCRIPTS = frozenset({Kind.STREAMLIT, Kind.BOKEH, Kind.PANEL, Kind.MARIMO})
"""Kinds whose entry point is a script that is run for every visitor."""
NOTEBOOKS = frozenset({Kind.VOILA, Kind.NOTEBOOK})
OBJECTS = frozenset({Kind.WSGI, Kind.ASGI, Kind.GRADIO})
"""Kinds whose entry point is an object of a module."""


class FileTree(Protocol):
    """The files that detection may look at; paths are relative, with ``/``."""

    def paths(self) -> list[str]: ...

    def read(self, path: str, limit: int = 1 << 20) -> bytes:
        """The first ``limit`` bytes of a file that ``paths`` named."""
        ...


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the publisher said; each replaces what would be found."""

    kind: str | None = None
    entrypoint: str | None = None
    python: str | None = None
    requirements: str | None = None
    """Path of the requirements source to use."""
    prepare: str | None = None
    keep: tuple[str, ...] | None = None
    """Paths in the app's folder that lie in its data folder and survive releases."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where something was seen; line 0 is the file as a whole, an empty path a flag or a default."""

    path: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.line else self.path


@dataclass(frozen=True, slots=True)
class Finding:
    """One decision with its reason."""

    value: str
    why: str
    evidence: Evidence = Evidence()


@dataclass(frozen=True, slots=True)
class Requirements:
    """What an app needs to be installed."""

    form: str
    """``none``, ``requirements.txt``, ``pyproject.toml``, ``uv.lock``, ``pylock.toml``, ``script`` or ``imports``."""
    text: str
    """For the lock forms the lock file's own text, else requirements in pip's form, includes (``-r``) resolved."""
    why: str
    evidence: Evidence = Evidence()
    imports: dict[str, Evidence] = field(default_factory=dict)
    """For ``imports``: each distribution name and the import it was inferred from."""
    support: dict[str, str] = field(default_factory=dict)
    """Further files that resolving needs, by path: the ``pyproject.toml`` beside a ``uv.lock``, a file that a ``-c`` line names."""
    own: dict[str, Evidence] = field(default_factory=dict)
    """Wheels, archives and folders among the files that are packages to be installed, or hold some; by path, empty for all of it."""


@dataclass(frozen=True, slots=True)
class Brought:
    """Settings that a manifest brings along for an app's first release, as they are written there: nothing is checked yet."""

    path: str
    """Of the manifest."""
    variables: Mapping[str, object] = field(default_factory=dict)
    """Values of plain ones by name."""
    limits: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Detection:
    """Everything that is needed to build and start an app, each part with its evidence."""

    kind: Kind
    framework: Finding
    """The name people know: Flask, Django, FastAPI, Streamlit, Static site …; its why and evidence stand for the kind."""
    entrypoint: Finding
    """``module:attribute``, ``module:factory()``, the path of a script, a notebook or a site's first page, or a folder of
    notebooks or of a site.
    """
    python: Finding
    """A version specifier such as ``>=3.11``; empty for any."""
    requirements: Requirements
    prepare: Finding | None = None
    keep: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    """What a publisher should know and nothing fails for."""
    paths: tuple[str, ...] = ("",)
    """Folders to put first on ``sys.path``, in this order; ``""`` is the app's folder, which is also the working one."""
    made_with: str = ""
    """The version of Python that a manifest was made with, as ``3.12``: to be preferred where it is here and fits."""
    alternatives: tuple[Finding, ...] = ()
    """Other entry points that could have been chosen; each one's why is its framework."""
    brought: Brought | None = None
    options: tuple[str, ...] = ()
    """What the kind is told besides, by name: of a notebook ``hide_all_input`` and ``hide_tagged_input``."""
    locale: str = ""
    """The LANG that a manifest asks for, as ``de_CH.UTF-8``; empty for ours."""
