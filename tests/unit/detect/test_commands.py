"""Commands: from a Procfile or by a flag, and what comes before them."""

from __future__ import annotations

import pytest

from tholos.detect.errors import KindUnsupported, NothingToPublish, OverrideInvalid
from tholos.detect.model import Kind

SERVER = "import aiohttp.web\nimport requests\n"


def test_the_web_line_of_a_procfile_is_run(run):
    detection = run(
        {"Procfile": "release: x\nweb:  python serve.py --port $PORT \nworker: y\n", "serve.py": SERVER}
    )
    assert (detection.kind, detection.entrypoint.value) == (Kind.COMMAND, "python serve.py --port $PORT")
    assert (str(detection.framework.evidence), detection.framework.why) == (
        "Procfile:2",
        "a command in Procfile",
    )
    assert sorted(detection.requirements.imports) == ["aiohttp", "requests"]
    assert not detection.notes


def test_python_that_is_an_app_comes_first_and_a_site_after(run):
    procfile = {"Procfile": "web: gunicorn app:app\n"}
    detection = run({**procfile, "app.py": "import flask\napp = flask.Flask(__name__)\n"})
    assert detection.kind is Kind.WSGI
    assert "There is also gunicorn app:app (Command, Procfile:1)" in detection.notes[0]
    assert run({**procfile, "index.html": "x"}).kind is Kind.COMMAND


def test_one_that_is_said(run):
    detection = run({"serve.py": SERVER}, kind="command", entrypoint="PORT=9000 python ./serve.py")
    assert (detection.kind, detection.entrypoint.value) == (Kind.COMMAND, "PORT=9000 python ./serve.py")
    assert "aiohttp" in detection.requirements.imports
    assert not detection.notes


def test_what_to_know_of_it_is_told(run):
    detection = run({"a.py": ""}, kind="command", entrypoint="python a.py --host 0.0.0.0")
    assert "past the sign-in" in detection.notes[0]
    assert "does not say $PORT" in detection.notes[1]


@pytest.mark.parametrize("line", ["  ", "a\nb", "PORT=0 x", "PORT=70000 x", "PORT=99999999999999999999 x"])
def test_what_is_no_command_is_refused(run, line):
    with pytest.raises(OverrideInvalid):
        run({"a.py": ""}, kind="command", entrypoint=line)


def test_without_a_procfile_it_has_to_be_said(run):
    with pytest.raises(NothingToPublish, match="which command"):
        run({"a.py": "", "Procfile": "worker: x\n"}, kind="command")
    with pytest.raises(KindUnsupported, match="a Procfile without a line"):
        run({"Procfile": "worker: x\n"})
