"""Entries of the log, as text and as JSON."""

import io
import json
import logging

import pytest

from tholos.kit.log import ACCESS, Form, configure, get_logger

NAMES = ("", "tholos", ACCESS)


@pytest.fixture(autouse=True)
def as_before():
    root = logging.getLogger()
    handlers = root.handlers[:]
    levels = [logging.getLogger(name).level for name in NAMES]
    yield
    root.handlers[:] = handlers
    for name, level in zip(NAMES, levels, strict=True):
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def written():
    return io.StringIO()


def test_an_entry_is_one_object_a_line(written):
    configure(form=Form.JSON, stream=written)
    get_logger(operation="op_1").info("operation_ended", state="done", seconds=0.5, who={"a"})
    entry = json.loads(written.getvalue())
    assert entry.pop("timestamp").endswith("+00:00")
    assert entry == {
        "level": "info", "event": "operation_ended", "operation": "op_1", "state": "done", "seconds": 0.5, "who": "{'a'}",
    }  # fmt: skip


def test_keys_never_take_the_place_of_what_every_entry_has(written):
    configure(form=Form.JSON, stream=written)
    get_logger(level="mine").info("x", timestamp="mine")
    assert json.loads(written.getvalue())["level"] == "info"


def test_text_is_one_line_whatever_is_in_it(written):
    configure(form=Form.TEXT, stream=written)
    get_logger().warning("action_failed", reason="no\nroom here", code="x", n=3, none="")
    (line,) = written.getvalue().splitlines()
    assert line.endswith(' warning action_failed reason="no\\nroom here" code=x n=3 none=""')


@pytest.mark.parametrize("form", [Form.TEXT, Form.JSON])
def test_a_traceback_is_told(written, form):
    configure(form=form, stream=written)
    try:
        int("broken")
    except ValueError:
        get_logger().exception("request_broke", path="/")
    assert "ValueError: invalid literal" in written.getvalue()
    assert len(written.getvalue().splitlines()) == 1 or form is Form.TEXT


def test_without_a_terminal_it_is_json(written):
    configure(stream=written)
    get_logger().info("x")
    assert json.loads(written.getvalue())["event"] == "x"


def test_entries_below_the_level_are_left_out(written):
    configure(level="warning", stream=written)
    get_logger().info("x")
    get_logger().debug("x")
    assert written.getvalue() == ""


def test_of_other_packages_there_are_warnings_alone(written):
    configure(level="debug", form=Form.JSON, stream=written)
    logging.getLogger("httpx").info("GET https://hooks.example.org/secret")
    logging.getLogger("uvicorn").warning("It is %s", "odd")
    entry = json.loads(written.getvalue())
    assert (entry["event"], entry["logger"]) == ("It is odd", "uvicorn")


def test_requests_are_logged_where_that_is_asked_for_whatever_the_level(written):
    configure(level="error", stream=written)
    get_logger(ACCESS).info("request_answered")
    assert written.getvalue() == ""
    configure(level="error", with_access=True, stream=written)
    get_logger(ACCESS).info("request_answered")
    assert "request_answered" in written.getvalue()
