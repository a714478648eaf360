"""What processes use, by processes that are there."""

import os
import subprocess
import sys

from tholos.runtime.metering import read
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
