"""Whoever met a limit is told which option raises it."""

import pytest

from tholos.instances import causes, met
from tholos.instances.models import Instance
from tholos_supervisor import lifecycle
from tholos_supervisor.sandbox import Sandbox

BOUND = Sandbox(memory=2048 << 20, processes=100)


@pytest.mark.parametrize(
    ("reason", "command"),
    [
        (f"killed by SIGKILL: {lifecycle.over_limits(BOUND, 1, 0)}", "--memory 4096"),
        (f"exited with code 1: {lifecycle.over_limits(BOUND, 0, 1)}", "--processes 200"),
        (met.stores_too_much(1_080, 1_050), "--disk 2160"),
    ],
)
def test_a_limit_that_was_met_is_raised_by_its_option(tmp_path, reason, command):
    assert met.command(reason, "sales") == f"tholos limits sales {command}"
    log = tmp_path / "1.log"
    log.write_text("")
    fix = causes.died(Instance(id="ins_1", log=str(log), reason=reason), "/srv").fix
    assert f"tholos limits NAME {command}" in fix


def test_other_ends_have_no_such_option():
    assert not met.command("killed by SIGKILL", "sales")
