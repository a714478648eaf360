"""What processes use, by processes that are there."""

import os
import subprocess
import sys

from tholos.runtime.metering import Reading, open_files, read, resident
from tholos.testing.waiting import until

BUSY = "import subprocess, sys; x = bytearray(30_000_000); p = subprocess.Popen([sys.executable, '-c', 'while True: pass']); p.wait()"


def test_a_process_counts_with_what_it_began():
    with subprocess.Popen([sys.executable, "-c", BUSY], start_new_session=True) as process:
        try:
            until(lambda: read([process.pid])[process.pid].cpu_s > 0.3)
            found = read([process.pid])[process.pid]
            assert found.memory > 30_000_000
            assert 0 < found.cpu_s <= found.age_s + 1
        finally:
            os.killpg(process.pid, 9)
    assert read([process.pid]) == {}


def test_nothing_is_read_for_nobody(tmp_path):
    assert read([], tmp_path / "none") == {}


def _process(proc, pid, parent, session, ticks, kilobytes):
    folder = proc / str(pid)
    folder.mkdir()
    fields = ["S", parent, pid, session, *[0] * 7, ticks, 0, 0, 0, *[0] * 8]
    (folder / "stat").write_text(f"{pid} (a) b (c) {' '.join(map(str, fields))}\n")
    (folder / "smaps_rollup").write_text(f"5555 ---p [rollup]\nRss: 99 kB\nPss: {kilobytes} kB\n")


def test_an_instance_is_its_session_and_all_below_it(tmp_path):
    ticks = os.sysconf("SC_CLK_TCK")
    (tmp_path / "uptime").write_text("100.00 50.00\n")
    _process(tmp_path, 10, 1, 10, ticks, 5)
    _process(tmp_path, 11, 10, 11, 2 * ticks, 7)  # left the session, and is still a child
    _process(tmp_path, 12, 1, 10, ticks, 1)  # its parent ended
    _process(tmp_path, 20, 1, 20, 50 * ticks, 100)
    (tmp_path / "30").mkdir()  # ends just now
    (tmp_path / "self").mkdir()
    found = read([10, 99], tmp_path)
    assert found == {10: Reading(4.0, 13 * 1024, 100.0, 3)}


def test_this_process_is_found():
    assert read([os.getpid()])[os.getpid()].processes >= 1
    assert resident(os.getpid()) > 100_000
    assert open_files(os.getpid()) > 0
