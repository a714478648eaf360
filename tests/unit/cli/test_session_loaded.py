"""What the commands that are typed most load: to define the values of calls that they never make takes longer than their work."""

import subprocess
import sys

import pytest

OTHERS = ("tholos.client.api", "tholos.client.people", "tholos.client.settling", "tholos.client.deeds")


@pytest.mark.parametrize("command", ["releases", "publish"])
def test_a_command_loads_its_own_calls(command):
    asked = f"import sys, tholos.cli.{command}; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout
    assert "tholos.client.releases" in loaded.split()
    assert not set(OTHERS) & set(loaded.split())


def test_all_of_the_client_is_there_when_asked_for():
    import tholos.client

    assert {name: getattr(tholos.client, name).__name__ for name in tholos.client.__all__} == {
        name: name for name in tholos.client.__all__
    }
    with pytest.raises(AttributeError, match="nothing"):
        _ = tholos.client.nothing
