"""Where the data folder keeps what."""

from tholos.runtime.layout import Layout
from tholos.runtime.logtimes import times_file


def test_the_logs_of_a_release_come_with_their_times(tmp_path):
    """They go together, and no other release's with them."""
    layout = Layout(tmp_path)
    written = {}
    for number in (1, 11, 111):
        log = layout.log("app_1", number, "ins_1")
        log.parent.mkdir(parents=True, exist_ok=True)
        written[number] = {log, times_file(log)}
        for path in written[number]:
            path.write_bytes(b"")
    for number, files in written.items():
        assert set(layout.logs_of("app_1", number)) == files
    assert layout.logs_of("app_1", 2) == []
    assert layout.logs_of("app_none", 1) == []
