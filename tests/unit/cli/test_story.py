from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tholos.cli.story import Row, Story, failure_rows, finding_row
from tholos.client.model import Event, Failure
from tholos.testing.api_state import BROKEN, FLASK, Line, finding, step


def tell(*lines: Line) -> tuple[list[Row], Story]:
    story = Story()
    events = [Event(n, "", line.kind, line.step, line.text, line.data) for n, line in enumerate(lines, 1)]
    return [row for event in events for row in story.tell(event)], story


RESULT = Line("result", "", "live", {"release": 3, "url": "http://sales.localhost/", "state": "done"})


def test_a_publish_is_told_as_one_row_per_decision():
    rows, story = tell(*FLASK, RESULT)
    assert rows == [
        Row("Flask", "app:app in app.py:4"),
        Row("Python 3.12", 'requires-python ">=3.11", newest installed'),
        Row("packages", "12 from uv.lock, all cached", 0.2),
        Row("release 3", "GET / → 200, live", 0.9),
    ]
    assert (story.state, story.release, story.url) == ("done", 3, "http://sales.localhost/")


def test_packages_that_were_found_are_told_even_if_their_step_says_nothing():
    rows, _ = tell(finding("packages", "12", "from uv.lock"), step("environment", "", 0.2))
    assert rows == [Row("packages", "12 from uv.lock", 0.2)]


def test_packages_that_were_found_are_told_if_it_ends_before_their_step():
    rows, story = tell(finding("packages", "12", "from uv.lock"), Line("result", data={"state": "cancelled"}))
    assert rows == [Row("packages", "12 from uv.lock")]
    assert story.state == "cancelled"


def test_a_failure_keeps_its_first_cause():
    rows, story = tell(*BROKEN)
    assert rows[-1].label == "packages"
    assert story.state == "failed"
    assert story.failure == Failure("check_failed", "GET / → 500", "", "app.py:31", "KeyError: 'total'")


def test_skipped_and_running_steps_and_lines_are_no_rows():
    rows, story = tell(
        step("prepare", "", 0, "skipped"),
        step("environment", "installing", 0, "running"),
        Line("line", text="got x"),
    )
    assert rows == []
    assert story.now == "got x"


def test_steps_that_this_version_does_not_know_are_told():
    rows, _ = tell(step("weigh", "3 kg", 0.1))
    assert rows == [Row("weigh", "3 kg", 0.1)]


def test_a_static_site_has_no_python():
    assert finding_row("Python", "", "") == Row("Python", "")
    assert finding_row("", "", "", "mind the gap") == Row("note", "mind the gap")


def test_the_cause_stands_with_its_place_and_fix():
    failure = Failure(
        "x", "m", "add pandas to requirements.txt", "app.py:2", "import pandas\nModuleNotFoundError"
    )
    assert failure_rows(failure) == [
        "    app.py:2    import pandas",
        "                ModuleNotFoundError",
        "    fix         add pandas to requirements.txt",
    ]
    assert failure_rows(Failure("x", "m")) == []


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.builds(
            Line,
            st.sampled_from(["finding", "step", "line", "result", "error", "new"]),
            st.sampled_from(["environment", "health", "switch", "other", ""]),
            st.text(max_size=5),
            st.dictionaries(
                st.sampled_from(["label", "value", "state", "seconds", "release", "url"]),
                st.none()
                | st.text(max_size=5)
                | st.integers()
                | st.sampled_from(["done", "packages", "Python"]),
            ),
        )
    )
)
def test_any_events_can_be_told(lines):
    rows, _ = tell(*lines)
    assert all(isinstance(row.label, str) and isinstance(row.text, str) for row in rows)
