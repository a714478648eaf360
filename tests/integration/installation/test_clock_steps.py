"""A machine whose clock is put forth and back, as one is that finds out late what time it is: both programs at once, both ways."""

import os
import uuid

import pytest

from tholos.server.parts import find_envoy
from tholos.testing.installation import Installation
from tholos.testing.stepping import SteppingClock
from tholos.testing.trial import Trial
from tholos.testing.visitors import ECHO, Browser, again, newcomer

HOUR = 3600
STEPS = (HOUR, 0, -HOUR, 0)


@pytest.fixture(scope="module")
def clock(tmp_path_factory):
    return SteppingClock.make(tmp_path_factory.mktemp("clock"))


@pytest.fixture(scope="module")
def installation(tmp_path_factory, clock):
    made = Installation(tmp_path_factory.mktemp("site"), clock.variables)
    made.start()
    Trial(made).publish("echo", {"app.py": ECHO})
    made.api("PATCH", "/api/v1/apps/echo/access", {"audience": "signed_in"})
    yield made
    made.clean()


@pytest.fixture(scope="module", params=["door", "gateway"])
def trial(request, installation, clock):
    program = clock.program(find_envoy(os.environ))
    proxy = {"THOLOS_GATEWAY__MODE": "on", "THOLOS_GATEWAY__PROGRAM": str(program)}
    installation.settings = {**clock.variables, **(proxy if request.param == "gateway" else {})}
    installation.restart()
    return Trial(installation)


@pytest.fixture(scope="module")
def ada(trial: Trial) -> Browser:
    made = newcomer(trial, f"ada-{uuid.uuid4().hex[:8]}")
    assert made.go("echo", "/").status == 200
    return made


def another(browser: Browser) -> Browser:
    return again(browser, str(browser.ask("GET", "", "/api/v1/me").json()["name"]))


@pytest.fixture(autouse=True)
def _true_in_the_end(clock):
    yield
    clock.put(0)


def test_who_is_let_in_stays_so_whatever_time_it_is(trial, ada, clock):
    """With the passes of before, which have ended or were not made yet, and by signing in anew."""
    assert ada.go("echo", "/").status == 200
    for step in STEPS:
        clock.put(step)
        assert ada.ask("GET", "echo", "/").status == 200, step
        assert ada.ask("POST", "echo", "/", "x", Origin=ada.origin("echo")).status == 200, step
        assert ada.upgrade("echo", Origin=ada.origin("echo")) == 101, step
        assert another(ada).go("echo", "/").status == 200, step


def test_a_pass_that_has_ended_opens_nothing_until_it_is_renewed(trial, ada, clock):
    browser = another(ada)
    assert browser.go("echo", "/").status == 200
    alone = {"Cookie": f"tholos_pass={browser.jar[browser.host('echo')]['tholos_pass']}"}
    assert Browser(trial).ask("GET", "echo", "/", **alone).status == 200
    clock.put(HOUR)
    assert Browser(trial).ask("GET", "echo", "/", **alone).status == 401


@pytest.mark.parametrize("made_at", [0, HOUR])
def test_who_has_left_is_not_let_in_by_an_earlier_hour(trial, ada, clock, made_at):
    """Although the pass that was taken back has not ended by then, and it was long forgotten that it was."""
    clock.put(made_at)
    leaving = another(ada)
    assert leaving.go("echo", "/").status == 200
    kept = "; ".join(f"{name}={value}" for name, value in leaving.jar[leaving.host("echo")].items())
    assert leaving.post("/sign-out").status == 303
    for step in (made_at + HOUR, made_at, 0, made_at):
        clock.put(step)
        # A change of access, of which this app knows nothing.
        assert another(ada).post("/sign-out").status == 303
        assert Browser(trial).ask("GET", "echo", "/", Cookie=kept).status == 401, step
        assert Browser(trial).upgrade("echo", Cookie=kept, Origin=leaving.origin("echo")) == 401, step
