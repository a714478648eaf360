"""Server, proxy, supervisor and instances end by SIGKILL in any order while people ask, publish and go back.

``THOLOS_STORM_KILLS`` says how often in all (200 where the figure is wanted), ``THOLOS_STORM_SEED`` in which order.
"""

import http.client
import itertools
import json
import os
import random
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

import pytest

from tholos.testing import storm
from tholos.testing.storm import ANY_LATER, Storm, Way
from tholos.testing.trial import Trial, eventually
from tholos.testing.visitors import Browser

WAYS = ("door", "gateway")
SETTINGS = {
    "THOLOS_APPS__DRAIN_TIMEOUT_S": "2",
    "THOLOS_APPS__START_TIMEOUT_S": "10",
    "THOLOS_APPS__HOLD_S": "10",
    "THOLOS_APPS__PASS_LIFE_S": "20",
}
KILLS = int(os.environ.get("THOLOS_STORM_KILLS", "8"))
SEED = int(os.environ.get("THOLOS_STORM_SEED", "0")) or random.SystemRandom().randrange(1 << 32)
VICTIMS = (
    "server",
    "gateway",
    "supervisor",
    "instance",
    "server supervisor",
    "server gateway supervisor instance",
)
MOMENTS = ("quiet", "publish", "rollback", "sleep", "wake")
FILES = {"steady": storm.wsgi, "lazy": storm.wsgi, "twins": storm.wsgi, "typed": storm.command}


def signed_in(trial: Trial, name: str) -> Browser:
    made = trial.server.api("POST", "/api/v1/accounts", {"name": name, "role": "viewer"})
    browser = Browser(trial)
    code = str(made["sign_in_url"]).partition("code=")[2]
    assert browser.post("/setup", code=code, password=f"the long password of {name}").status == 303
    return browser


@pytest.fixture(scope="module")
def ways(trial: Trial) -> list[Way]:
    """Two people who may open everything but one app that only one may, and some who may not."""
    for name, files in FILES.items():
        trial.publish(name, files(name, 1))
        trial.server.api("PATCH", f"/api/v1/apps/{name}/access", {"audience": "signed_in"})
    trial.publish("steady", storm.wsgi("steady", 2))
    trial.server.api("PUT", "/api/v1/apps/twins/life", {"min_instances": 2, "max_instances": 2})
    trial.server.api("PUT", "/api/v1/apps/lazy/life", {"idle_timeout_s": 1})
    ada, bea = signed_in(trial, "ada"), signed_in(trial, "bea")
    for browser, name in itertools.product((ada, bea), FILES):
        assert browser.go(name, "/").status == 200
    token = {"Authorization": f"Bearer {trial.server.token}"}
    of_another = {"Cookie": f"tholos_pass={ada.jar[ada.host('lazy')]['tholos_pass']}"}
    administrator = str(trial.server.api("GET", "/api/v1/me")["name"])
    return [
        Way("steady", "ada", browser=ada),
        Way("steady", "bea", browser=bea, is_kept=False),
        Way("twins", "bea", browser=bea),
        Way("twins", administrator, token),
        Way("typed", "ada", browser=ada),
        Way("lazy", "bea", browser=bea, pause_s=2.0),
        Way("steady", "", is_kept=False, pause_s=0.1),
        Way("typed", "", of_another, pause_s=0.1),
    ]


@dataclass
class Sky:
    """What happens, one after the other."""

    trial: Trial
    storm: Storm
    dice: random.Random
    marks: itertools.count
    has_gateway: bool

    def victims(self, kinds: str) -> list[int]:
        found = []
        for kind in kinds.split():
            if kind == "server":
                found.append(self.trial.server.pid)
            elif kind == "supervisor":
                eventually(self.has_supervisor)
                found.append(self.trial.server.supervisor_pid)
            else:
                found += self.among(kind)
        return found

    def has_supervisor(self) -> bool:
        with suppress(ProcessLookupError):
            return self.trial.server.supervisor_pid > 0
        return False

    def among(self, kind: str) -> list[int]:
        """The proxy, or any process of any instance."""
        others = [one for one in self.trial.processes() if one.pid != os.getpid()]
        if kind == "gateway":
            proxies = [one.pid for one in others if one.is_proxy]
            assert len(proxies) == self.has_gateway, others
            return proxies
        chosen = sorted(one.pid for one in others if not one.is_proxy)
        return [self.dice.choice(chosen)] if chosen else []

    def begin(self, moment: str) -> str:
        """Bring the moment about; the id of its operation, if it has one."""
        name = self.dice.choice([*FILES])
        while moment == "rollback" and len(self.trial.releases(name)) == 1:
            name = self.dice.choice([*FILES])
        live = self.trial.live(name)
        if moment == "publish":
            self.storm.may_become(name, live, ANY_LATER)
            operation = self.trial.begin(name, FILES[name](name, next(self.marks)))
            time.sleep(self.dice.uniform(0, 1))
            return operation
        if moment == "rollback":
            self.storm.may_become(name, 1, ANY_LATER)
            begun = self.trial.server.ask("POST", f"/api/v1/apps/{name}/rollback", {})
            time.sleep(self.dice.uniform(0, 0.5))
            return "" if begun.status != 202 else str(json.loads(begun.body)["operation"]["id"])
        if moment == "sleep":  # it has been asked just now
            time.sleep(self.dice.uniform(0.8, 1.4))
        if moment == "wake":
            eventually(lambda: self.trial.state("lazy") == "asleep")
            threading.Thread(target=self.wake, daemon=True).start()
            time.sleep(self.dice.uniform(0, 0.4))
        return ""

    def wake(self) -> None:
        with suppress(OSError, http.client.HTTPException):
            self.trial.get("lazy")

    def strike(self, moment: str, kinds: str) -> None:
        operation = self.begin(moment)
        pids = self.victims(kinds)
        since = self.storm.kill(pids)
        if self.trial.server.pid in pids:
            self.trial.server.kill()
            time.sleep(self.dice.choice((0, 0, 0.3)))
            self.trial.server.start()
        self.storm.recover(since, operation)
        waited = (
            f", {self.storm.waited_s:.1f} s of it the server waited for a processor"
            if "server" in kinds
            else ""
        )
        print(f"   all serve after {self.storm.last_s:.1f} s{waited}", flush=True)


def test_nothing_wrong_is_answered_and_everything_serves_again(trial: Trial, ways: list[Way]) -> None:
    dice = random.Random(SEED)  # noqa: S311 - an order, no secret
    print(f"THOLOS_STORM_SEED={SEED}")
    deck = [*itertools.product(MOMENTS, VICTIMS)]
    sky = Sky(
        trial,
        Storm(trial, ways),
        dice,
        itertools.count(3),
        has_gateway="THOLOS_GATEWAY__MODE" in trial.server.settings,
    )
    with sky.storm.under_way():
        for turn in range((KILLS + 1) // 2):
            if turn % len(deck) == 0:
                dice.shuffle(deck)
            moment, kinds = deck[turn % len(deck)]
            print(f"{turn}: {kinds} during {moment}", flush=True)
            sky.strike(moment, kinds)
            assert sky.storm.wrong == []
    print(
        f"{sky.storm.asked} asked, {sky.storm.missed} missed, all served again within {sky.storm.slowest_s:.1f} s"
    )
    assert sky.storm.wrong == []
