"""What a child reports, as a sentence."""

import pytest

from tholos_supervisor import spawn
from tholos_supervisor.model import spec_from


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("cwd:2", "Cannot start in /srv: No such file or directory."),
        ("limits:1", "Cannot set the limits: Operation not permitted."),
        ("exec:2", "Cannot start /nowhere/app: No such file or directory."),
        ("exec:8", "Cannot start /nowhere/app: Exec format error."),
    ],
)
def test_reasons(said, reason):
    """Each step that can fail has its own sentence."""
    spec = spec_from({"instance": "a", "argv": ["/nowhere/app"], "env": {}, "cwd": "/srv", "log": "/srv/log"})
    assert spawn._explain(spec, said) == reason
