from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tholos.detect.model import Kind
from tholos.runtime import plan


def command(kind: Kind) -> tuple[str, ...]:
    return plan.command(
        kind, "app:app", python="/e/bin/python", bootstrap="/g/bootstrap.py", wheels="/g/wheels", socket="/s"
    )


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
    for kind in (Kind.STREAMLIT, Kind.STATIC):
        assert "--path" not in command(kind)


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
