from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tholos.runtime.taking import NO_MOST, Most, Taken, TookTooMuch


def test_what_this_process_writes_and_has_in_memory_is_seen(tmp_path):
    much = bytes(3 << 20)
    (tmp_path / "x").write_bytes(much)
    for most, is_memory in ((Most(written=2 << 20), False), (Most(memory=2 << 20), True)):
        with pytest.raises(TookTooMuch) as caught:
            Taken(os.getpid(), most).check()
        assert caught.value.is_memory is is_memory
    Taken(os.getpid(), Most(written=1 << 40, memory=1 << 40)).check()
    Taken(os.getpid(), NO_MOST).check()


def test_what_others_write_does_not_count(tmp_path):
    text = "import sys; print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        (tmp_path / "x").write_bytes(bytes(3 << 20))
        Taken(other.pid, Most(written=2 << 20)).check()
        other.communicate(b"")
    Taken(other.pid, Most(written=1, memory=1)).check()
