import subprocess
import sys
from importlib import import_module

import pytest

from tholos.kit.lazily import leave_out, load_when_used


def test_a_package_is_loaded_with_the_first_look():
    asked = (
        "import sys; from tholos.kit.lazily import load_when_used; found = load_when_used('colorsys');"
        "print('colorsys' in sys.modules, found.rgb_to_hsv(0, 0, 1)[2], 'colorsys' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout
    assert told.split() == ["False", "1", "True"]


def test_what_is_missing_is_told_by_the_first_look():
    package = load_when_used("there_is_no_such_package")
    with pytest.raises(ModuleNotFoundError, match="there_is_no_such_package"):
        _ = package.something
    with pytest.raises(AttributeError):
        _ = load_when_used("colorsys").something


def test_what_is_left_out_is_not_installed_for_who_asks():
    sys.modules.pop("colorsys", None)
    leave_out("colorsys")
    with pytest.raises(ModuleNotFoundError):
        import_module("colorsys")
    del sys.modules["colorsys"]
    assert import_module("colorsys").rgb_to_hsv(0, 0, 1)[2] == 1


def test_what_is_loaded_already_is_not_left_out():
    leave_out("subprocess")
    assert import_module("subprocess") is subprocess
