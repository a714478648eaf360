"""What is inferred from imports."""

from __future__ import annotations

import pytest

from tholos.detect import distributions, skim

APP = "from flask import Flask\napp = Flask('x')\n"

NAMES = [
    ("cv2", "opencv-python-headless"), ("PIL.Image", "Pillow"), ("sklearn.svm", "scikit-learn"), ("yaml", "PyYAML"),
    ("bs4", "beautifulsoup4"), ("dateutil", "python-dateutil"), ("dotenv", "python-dotenv"), ("Crypto", "pycryptodome"),
    ("jwt", "PyJWT"), ("google.cloud.storage", "google-cloud-storage"), ("google.protobuf", "protobuf"), ("attr", "attrs"),
    ("serial", "pyserial"), ("usb", "pyusb"), ("skimage", "scikit-image"), ("OpenSSL", "pyOpenSSL"), ("MySQLdb", "mysqlclient"),
    ("psycopg2", "psycopg2-binary"), ("flask_sqlalchemy", "Flask-SQLAlchemy"), ("azure.storage.blob", "azure-storage-blob"),
    ("azure.identity", "azure-identity"), ("some_thing", "some-thing"), ("google", None), ("größe", None),
]  # fmt: skip


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_distribution_names(module, name):
    assert distributions.of_import(module) == name


def test_follows_local_modules_and_says_where(run):
    files = {
        "app.py": "import os, helper\nimport distutils, imp\nfrom pkg import part\n" + APP,
        "helper.py": "def f():\n    import pandas as pd\n",
        "pkg/__init__.py": "import scipy\n",
        "pkg/part.py": "from .other import x\n",
        "pkg/other.py": "import sympy\n",
        "unused.py": "import torch\n",
        "tests/test_x.py": "import pytest\n",
    }
    found = run(files).requirements
    assert {name: str(where) for name, where in found.imports.items()} == {
        "Flask": "app.py:4", "pandas": "helper.py:2", "scipy": "pkg/__init__.py:1", "sympy": "pkg/other.py:1",
    }  # fmt: skip


LEFT_OUT = {
    "optional": "try:\n    import ujson\nexcept ImportError:\n    ujson = None\n",
    "by version": "import sys\nif sys.version_info < (3, 11):\n    import ujson\n",
    "either": "try:\n    import tomllib\nexcept ModuleNotFoundError:\n    import ujson\n",
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_optional_imports_are_left_out_and_told(run, name):
    found = run({"app.py": LEFT_OUT[name] + APP})
    assert found.requirements.text == "Flask\n"
    assert any(note.startswith("ujson is not installed") for note in found.notes)


SILENT = [
    "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import ujson\n",
    "if __name__ == '__main__':\n    import ujson\n",
    "'''\nimport ujson\n'''\n",
]


@pytest.mark.parametrize("source", SILENT)
def test_imports_that_never_happen_are_silent(run, source):
    found = run({"app.py": source + APP})
    assert (found.requirements.text, found.notes) == ("Flask\n", ())


def test_an_import_that_ends_the_program_is_needed(run):
    found = run(
        {"app.py": "import sys\ntry:\n    import ujson\nexcept ImportError:\n    sys.exit('no')\n" + APP}
    )
    assert found.requirements.text == "Flask\nujson\n"


def test_a_homely_name_is_not_fetched_from_strangers(run):
    found = run({"app.py": "import utils\nfrom config import x\n" + APP})
    assert found.requirements.text == "Flask\n"
    assert "app.py:1 imports utils, which is not in the folder" in found.notes[0]


def test_what_a_framework_leaves_optional(run):
    found = run(
        {"app.py": "from fastapi import FastAPI, Form\nfrom pydantic import EmailStr\napp = FastAPI()\n"}
    )
    assert set(found.requirements.imports) == {"fastapi", "python-multipart", "pydantic", "email-validator"}


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        (b"import a\n\nfrom b import (\n    c,\n    d,\n)\nx = 1\nimport e\n", [1, 3, 8]),
        (b'"""\nimport no\n"""\nimport a  # import\n', [4]),
        (b"from a import \\\n    b\nimport c\n", [1, 3]),
    ],
)
def test_skimming_keeps_lines(source, lines):
    tree = skim.imports_of(source)
    assert tree is not None
    assert [node.lineno for node in tree.body] == lines


@pytest.mark.parametrize(
    "source",
    [
        b"def f():\n    import a\n",
        b"if x: import a\n",
        b"x = '''\nimport a\n",
        b"\xff",
        b"importlib = __import__('a')\n",
    ],
)
def test_skimming_gives_up_rather_than_guess(source):
    assert skim.imports_of(source) is None
