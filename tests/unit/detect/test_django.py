"""Django projects as ``startproject`` lays them out, and what their settings say."""

from __future__ import annotations

SETTINGS = """\
from pathlib import Path
BASE_DIR = Path(__file__).resolve().parent.parent
INSTALLED_APPS = ["django.contrib.admin", "rest_framework", "polls.apps.Polls"]
WSGI_APPLICATION = "mysite.wsgi.application"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": BASE_DIR / "db.sqlite3",
    }
}
MEDIA_ROOT = BASE_DIR / "media"
"""
PROJECT = {
    "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'mysite.settings')\n",
    "mysite/__init__.py": "",
    "mysite/settings.py": SETTINGS,
    "mysite/urls.py": "from django.urls import path\n",
    "mysite/wsgi.py": "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n",
    "mysite/asgi.py": "from django.core.asgi import get_asgi_application\napplication = get_asgi_application()\n",
    "polls/apps.py": "import celery\n",
}


def test_finds_the_application_that_the_settings_name(run):
    found = run(PROJECT)
    assert (found.kind, found.framework.value, found.entrypoint.value) == (
        "wsgi",
        "Django",
        "mysite.wsgi:application",
    )
    assert str(found.entrypoint.evidence) == "mysite/settings.py:4"
    assert str(found.framework.evidence) == "mysite/wsgi.py:2"


def test_keeps_the_database_and_the_uploads(run):
    kept = {finding.value: str(finding.evidence) for finding in run(PROJECT).keep}
    assert kept == {"db.sqlite3": "mysite/settings.py:8", "media": "mysite/settings.py:11"}


def test_installed_apps_are_imports_too(run):
    assert set(run(PROJECT).requirements.imports) == {"Django", "celery", "djangorestframework"}


def test_migrations_are_mentioned_until_prepared(run):
    assert any("--prepare 'python manage.py migrate'" in note for note in run(PROJECT).notes)
    assert run(PROJECT, prepare="python manage.py migrate").notes == ()


def test_a_project_one_folder_down_brings_its_path(run):
    found = run({f"site/{path}": text for path, text in PROJECT.items()})
    assert (found.entrypoint.value, found.paths) == ("mysite.wsgi:application", ("site", ""))
    assert "site/db.sqlite3" in {finding.value for finding in found.keep}


def test_asgi_where_that_is_all_there_is(run):
    files = {path: text for path, text in PROJECT.items() if path != "mysite/wsgi.py"}
    assert run(files).entrypoint.value == "mysite.asgi:application"


def test_asgi_where_the_project_lives_by_it(run):
    settings = (
        SETTINGS.replace('"rest_framework"', '"channels"') + 'ASGI_APPLICATION = "mysite.asgi.application"\n'
    )
    assert run({**PROJECT, "mysite/settings.py": settings}).kind == "asgi"


def test_without_manage_py_the_object_is_found_as_any_other(run):
    files = {path: text for path, text in PROJECT.items() if path != "manage.py"}
    assert run(files).entrypoint.value == "mysite.wsgi:application"
