"""What survives releases."""

from __future__ import annotations

import pytest

from tholos.detect import errors

APP = "from flask import Flask\napp = Flask('x')\n"


def test_flask_keeps_its_instance_folder_where_it_is_used(run):
    found = run({"app.py": "from flask import Flask\napp = Flask('x', instance_relative_config=True)\n"}).keep
    assert [(finding.value, str(finding.evidence)) for finding in found] == [("instance", "app.py:2")]
    assert run({"app.py": APP}).keep == ()
    assert run({"app.py": APP, "instance/config.py": ""}).keep[0].value == "instance"
    assert run({"app.py": "import flask_sqlalchemy\n" + APP}).keep[0].value == "instance"


def test_the_instance_folder_lies_beside_a_package_in_src(run):
    files = {"src/shop/__init__.py": APP + "app.instance_path\n", "make.py": "x = 1\n"}
    assert run(files).keep[0].value == "src/instance"


def test_the_flag_replaces_what_was_found(run):
    files = {"app.py": "import flask_sqlalchemy\n" + APP}
    assert run(files, keep=()).keep == ()
    assert [finding.value for finding in run(files, keep=("./data/", "data", "x/y")).keep] == ["data", "x/y"]


@pytest.mark.parametrize("path", ["", ".", "..", "../x", "/x", "a/../..", "a\0b", "~/x"])
def test_a_path_outside_is_refused(run, path):
    with pytest.raises(errors.OverrideInvalid) as caught:
        run({"app.py": APP}, keep=(path,))
    assert caught.value.where == "--keep"


def test_a_database_that_releases_begin_anew_is_told(run):
    source = "from fastapi import FastAPI\nurl = 'sqlite:///./shop.db'\napp = FastAPI()\n"
    assert run({"app.py": source}).notes == (
        "app.py:2 keeps data in shop.db, which each release begins anew; to keep it pass --keep shop.db.",
    )
    assert run({"app.py": source}, keep=("shop.db",)).notes == ()
    assert run({"app.py": source, "shop.db": b"\0"}).notes == ()
