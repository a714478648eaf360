from __future__ import annotations

import pytest

from tholos_guest import main
from tholos_guest.failure import CannotStart


def test_options_are_read_by_name():
    argv = ["--kind", "wsgi", "--entrypoint", "a:b", "--socket", "/s", "--path", "/w"]
    assert main.parse(argv) == {"kind": "wsgi", "entrypoint": "a:b", "socket": "/s", "path": "/w"}


@pytest.mark.parametrize(
    "argv",
    [[], ["--kind"], ["--kind", "wsgi"], ["--kind", "", "--entrypoint", "a", "--socket", "s"], ["--x", "y"]],
)
def test_an_incomplete_command_line_is_none(argv):
    assert main.parse(argv) is None


def test_the_app_comes_first_and_our_servers_last():
    path = ["/lib", "/app", "/env"]
    main.arrange_path(path, "/app", "/wheels")
    assert path == ["/app", "/lib", "/env", "/wheels"]


def test_a_src_folder_is_importable_unless_it_is_a_package(tmp_path):
    (tmp_path / "src").mkdir()
    path = ["/lib"]
    main.arrange_path(path, str(tmp_path), "")
    assert path == [str(tmp_path), str(tmp_path / "src"), "/lib"]
    (tmp_path / "src" / "__init__.py").touch()
    path = ["/lib"]
    main.arrange_path(path, str(tmp_path), "")
    assert path == [str(tmp_path), "/lib"]


def test_an_unknown_kind_names_those_there_are():
    with pytest.raises(CannotStart, match="there are: wsgi, asgi, streamlit, gradio"):
        main.serve("cgi", "x", "/s", {})
