"""How much lies in folders, and when that is looked at."""

import os

from tholos_supervisor import measuring
from tholos_supervisor.measuring import LEAST, Gauge


def test_files_with_several_names_count_once_and_links_are_not_followed(tmp_path):
    (tmp_path / "a").write_bytes(bytes(100_000))
    os.link(tmp_path / "a", tmp_path / "b")
    (tmp_path / "c").symlink_to("/")
    size = measuring.used([str(tmp_path)])
    assert 100_000 <= size < 100_000 + 10 * LEAST


def test_empty_files_count_too(tmp_path):
    for number in range(10):
        (tmp_path / str(number)).touch()
    assert measuring.used([str(tmp_path)]) == 10 * LEAST


def test_what_grows_is_seen_once_the_disk_has_lost_as_much(tmp_path, monkeypatch):
    free, walks = [1 << 30], []
    monkeypatch.setattr(Gauge, "_room", lambda _: free[0])
    monkeypatch.setattr(measuring, "used", lambda _: walks.append(1) or (1 << 30) - free[0])
    gauge = Gauge([str(tmp_path)], 1000)
    assert not gauge.is_over()
    free[0] -= 999
    assert not gauge.is_over()
    assert len(walks) == 1
    free[0] -= 2
    assert gauge.is_over()
    assert len(walks) == 2


def test_without_a_limit_nothing_is_looked_at(monkeypatch):
    monkeypatch.setattr(measuring, "used", lambda _: 1 << 50)
    assert not Gauge(["/nowhere"], 0).is_over(surely=True)
    assert not Gauge([], 5).is_over()
