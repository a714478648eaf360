from __future__ import annotations

from tholos.client.patience import LONGEST_PAUSE, Patience


class Clock:
    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def patience(seconds: float) -> tuple[Patience, Clock]:
    clock = Clock()
    return Patience(seconds, clock, clock.sleep), clock


def test_pauses_grow_and_stay_within_the_budget():
    patient, clock = patience(60)
    outage = patient.begin()
    while outage.pause():
        pass
    assert sum(clock.slept) <= 60
    assert sum(clock.slept) > 60 - LONGEST_PAUSE
    assert max(clock.slept) <= LONGEST_PAUSE
    assert clock.slept[0] <= 0.1


def test_no_budget_is_no_second_try():
    patient, clock = patience(0)
    assert not patient.begin().pause()
    assert clock.slept == []


def test_the_server_may_ask_for_longer_but_not_beyond_the_budget():
    patient, clock = patience(10)
    outage = patient.begin()
    assert outage.pause(5)
    assert 5 <= clock.slept[0] <= 6.25
    assert not outage.pause(30)


def test_an_answer_ends_the_outage():
    patient, clock = patience(1)
    outage = patient.begin()
    while outage.pause():
        pass
    outage.over()
    assert outage.pause()
    assert clock.slept[-1] <= 0.1
