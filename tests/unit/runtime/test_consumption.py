"""What processes use, read from a tree of files as proc(5) has it."""

import os

from tholos.runtime.consumption import measure, open_files, resident

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def _process(proc, pid, parent, session, ticks, pages):
    folder = proc / str(pid)
    folder.mkdir()
    fields = ["S", parent, pid, session, *[0] * 7, ticks, 0, 0, 0, *[0] * 6, pages, 0]
    (folder / "stat").write_text(f"{pid} (a) b (c) {' '.join(map(str, fields))}\n")


def test_an_instance_is_its_session_and_all_below_it(tmp_path):
    _process(tmp_path, 10, 1, 10, TICKS, 5)
    _process(tmp_path, 11, 10, 11, 2 * TICKS, 7)  # left the session, and is still a child
    _process(tmp_path, 12, 1, 10, TICKS, 1)  # its parent ended
    _process(tmp_path, 20, 1, 20, 50 * TICKS, 100)
    (tmp_path / "30").mkdir()  # ends just now
    (tmp_path / "self").mkdir()
    found = measure([10, 99], tmp_path)
    assert set(found) == {10}
    assert (found[10].cpu_s, found[10].memory, found[10].processes) == (4.0, 13 * PAGE, 3)


def test_this_process_is_found():
    assert measure([os.getpid()])[os.getpid()].processes >= 1
    assert resident(os.getpid()) > PAGE
    assert open_files(os.getpid()) > 0
