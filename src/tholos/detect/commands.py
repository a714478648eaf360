"""Commands that are apps: what a ``Procfile`` runs as ``web``, or what somebody says.

A command is a line for the shell that starts something which listens on the port ``$PORT``; one that cannot be told a port begins
with its own, as ``PORT=9000 python serve.py``. What else could be published comes first if it is Python, since it then needs no port;
sites and notebooks come after a Procfile, which somebody has written to say what runs.
"""

from __future__ import annotations

import re
import shlex

from tholos.detect import frameworks
from tholos.detect.candidates import Candidate
from tholos.detect.errors import OverrideInvalid
from tholos.detect.model import Evidence, Kind
from tholos.detect.sources import Folder

PROCFILE = "Procfile"
_WEB = re.compile(r"^web[ \t]*:[ \t]*(\S.*?)[ \t]*$", re.MULTILINE)
_PORT = re.compile(r"\s*PORT=(\d+)\s+\S")
_EVERY_ADDRESS = re.compile(r"\b0\.0\.0\.0\b|\[::\]")
_OBJECT = re.compile(r"([^\W\d]\w*(?:\.[^\W\d]\w*)*):\w+(\(\))?")


def find(folder: Folder) -> list[Candidate]:
    """What the folder's ``Procfile`` runs as ``web``."""
    if PROCFILE not in folder.paths:
        return []
    text = folder.text(PROCFILE)
    found = _WEB.search(text)
    if found is None:
        return []
    return [of_line(found[1], Evidence(PROCFILE, text.count("\n", 0, found.start()) + 1), "procfile")]


def of_line(command: str, where: Evidence, how: str = "given") -> Candidate:
    """A command as something to start.

    Raises:
        OverrideInvalid: it is of several lines, or its port is none.
    """
    line = command.strip()
    if not line or not all(one.isprintable() for one in line):
        raise OverrideInvalid(
            "Cannot publish this command: it is blank or of several lines.",
            where="--command",
            fix='Pass one line for the shell, as --command "python serve.py --port $PORT".',
        )
    port = _PORT.match(line)
    if port and not 0 < int(port[1][:9]) < 65536:
        raise OverrideInvalid(f"Cannot publish this command: {port[1][:9]} is no port.", where="--port")
    return Candidate(line, Kind.COMMAND, frameworks.COMMAND, where, where, (4, 0, 0), "", how)


def starts(folder: Folder, command: str) -> list[str]:
    """The files of the folder that a command names, from which imports are followed: scripts, and the modules of objects."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    found = []
    for word in words:
        module = _OBJECT.fullmatch(word)
        path = f"{module[1].replace('.', '/')}.py" if module else word.removeprefix("./")
        if path in folder.python:
            found.append(path)
    return found


def notes(command: str) -> list[str]:
    """What to know of a command."""
    told = []
    if _EVERY_ADDRESS.search(command):
        told.append(
            "The command listens on every address of the server's machine, so its port may be reached past the sign-in; "
            "127.0.0.1 is enough."
        )
    if "$PORT" not in command and "${PORT" not in command and not _PORT.match(command):
        told.append(
            "The command does not say $PORT: it has to listen on the port that the variable PORT tells, or pass --port."
        )
    return told
