"""Commands on the command line of ``tholos publish``."""

from __future__ import annotations

import pytest

from tholos.cli.publish import FlagsMisfit, as_command


@pytest.mark.parametrize(
    ("flags", "kind", "entrypoint"),
    [
        (("flask", "app:app", None, None), "flask", "app:app"),
        ((None, None, "node .", None), "command", "node ."),
        (("command", None, "node .", 9000), "command", "PORT=9000 node ."),
        ((None, None, "", None), "", ""),
    ],
)
def test_a_command_is_kind_and_entry_point(flags, kind, entrypoint):
    assert as_command(*flags) == {"kind": kind, "entrypoint": entrypoint}


@pytest.mark.parametrize(
    "flags", [(None, None, None, 9000), ("flask", None, "node .", None), (None, "app:app", "node .", None)]
)
def test_flags_that_do_not_go_together(flags):
    with pytest.raises(FlagsMisfit, match="goes with neither"):
        as_command(*flags)
