"""Our own lint rules find what they are for, and leave the rest alone."""

import importlib.util
import sys
from pathlib import Path

import pytest

_PATH = Path(__file__).parents[3] / "tools" / "rules.py"


def _load():
    spec = importlib.util.spec_from_file_location("tholos_rules", _PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


rules = _load()
HEAD = '"""What it is for."""\n'


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        ("tasks_have_groups", "import asyncio\nasyncio.create_task(work())\n"),
        ("tasks_have_groups", "loop.create_task(work())\n"),
        ("broad_excepts_stand_at_edges", "try:\n    work()\nexcept Exception:\n    tell()\n"),
        ("broad_excepts_stand_at_edges", "try:\n    work()\nexcept:\n    tell()\n"),
        ("nothing_is_left_out", "def work():\n    raise NotImplementedError\n"),
        ("application_code_never_commits", "db.commit()\n"),
        ("functions_are_short", "def work():\n" + "    step()\n" * 60),
    ],
)
def test_a_rule_finds_what_it_is_for(rule, source):
    """Each rule with the code that it was made against."""
    assert [finding.rule for finding in rules.check("tholos/apps/service.py", HEAD + source)] == [rule]


@pytest.mark.parametrize(
    "source",
    [
        "async def work(group):\n    group.create_task(step())\n",
        "try:\n    work()\nexcept BaseException:\n    undo()\n    raise\n",
        "try:\n    work()\nexcept ValueError:\n    tell()\n",
        "connection.commit()\n",
        "def work():\n" + "    step()\n" * 59,
    ],
)
def test_a_rule_leaves_the_rest_alone(source):
    """The near misses of each rule."""
    assert rules.check("tholos/apps/service.py", HEAD + source) == []


def test_a_module_needs_a_docstring():
    """Even an empty one says what it is for."""
    assert [finding.rule for finding in rules.check("x.py", "")] == ["modules_say_what_they_are_for"]


def test_edges_may_catch_everything():
    """The places that are allowed to are named with their reason."""
    source = HEAD + "try:\n    work()\nexcept Exception:\n    tell()\n"
    assert rules.check("src/tholos/operations/tasks.py", source) == []
