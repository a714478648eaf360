from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tholos.detect.model import Kind
from tholos.runtime import plan


def command(kind: Kind, options: tuple[str, ...] = ()) -> tuple[str, ...]:
    return plan.command(
        kind, "app:app", python="/e/bin/python", bootstrap="/g/bootstrap.py", wheels="/g/wheels", socket="/s",
        options=options,
    )  # fmt: skip


def environment(**changes):
    facts = {
        "python": "/envs/1/bin/python",
        "app": "demo",
        "release": 3,
        "data": "/data/demo",
        "temporary": "/tmp/demo",
        "url": "http://demo.localhost",
    }
    return plan.environment(**{**facts, **changes})


def test_an_app_starts_with_the_bootstrap_under_its_own_interpreter():
    assert command(Kind.WSGI) == (
        "/e/bin/python", "/g/bootstrap.py", "--kind", "wsgi", "--entrypoint", "app:app",
        "--socket", "/s", "--path", "/g/wheels",
    )  # fmt: skip


def test_kinds_that_bring_their_server_get_no_wheels():
    with_ours = {kind for kind in Kind if "--path" in command(kind)}
    assert with_ours == {Kind.WSGI, Kind.ASGI, Kind.GRADIO}


def test_options_are_told_where_there_are_any():
    assert "--options" not in command(Kind.NOTEBOOK)
    assert command(Kind.NOTEBOOK, options=("a", "b"))[-2:] == ("--options", "a,b")


def test_what_works_before_it_answers_has_longer_for_it():
    assert plan.start_timeout_s(Kind.WSGI, None, 60) == 60
    assert plan.start_timeout_s(Kind.NOTEBOOK, None, 60) == 1800
    assert plan.start_timeout_s(Kind.NOTEBOOK, None, 3000) == 3000
    assert plan.start_timeout_s(Kind.NOTEBOOK, 5, 60) == 5
    assert plan.start_timeout_s(Kind.VOILA, None, 60) == plan.start_timeout_s(Kind.GRADIO, None, 60) == 180


def test_a_locale_becomes_its_lang_and_a_variable_wins():
    assert environment(locale="de_CH.UTF-8")["LANG"] == "de_CH.UTF-8"
    assert environment(locale="de_CH.UTF-8", variables={"LANG": "C"})["LANG"] == "C"


def test_the_environment_is_complete_and_nothing_else(monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_SERVER", "x")
    assert environment() == {
        "PATH": "/envs/1/bin:/usr/local/bin:/usr/bin:/bin",
        "HOME": "/data/demo",
        "TMPDIR": "/tmp/demo",
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "VIRTUAL_ENV": "/envs/1",
        "THOLOS_APP": "demo",
        "THOLOS_RELEASE": "3",
        "THOLOS_DATA": "/data/demo",
        "THOLOS_URL": "http://demo.localhost",
    }


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_a_publishers_variables_win_but_never_over_our_names(variables):
    made = environment(variables={**variables, "THOLOS_APP": "other", "THOLOS_TOKEN": "x"})
    assert made["THOLOS_APP"] == "demo"
    assert "THOLOS_TOKEN" not in made
    assert all(made[name] == value for name, value in variables.items() if not name.startswith("THOLOS_"))


def test_a_one_off_command_is_run_by_the_shell():
    assert plan.prepare("python manage.py migrate && true") == (
        "/bin/sh",
        "-c",
        "python manage.py migrate && true",
    )
