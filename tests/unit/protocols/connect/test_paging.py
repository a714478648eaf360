"""Pages by number: they cover a list once, and have just the keys that clients take."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tholos.protocols.connect.paging import Asked


@given(total=st.integers(0, 60), size=st.integers(1, 25))
def test_pages_cover_a_list_once(total, size):
    rows = [{"n": n} for n in range(total)]
    seen, number = [], 1
    while True:
        asked = Asked(number, size)
        page = asked.told(rows[asked.skip : asked.skip + asked.size], total)
        assert set(page) == {"current_page", "total", "results"}
        assert (page["current_page"], page["total"]) == (number, total)
        if not page["results"]:  # how some clients know the end
            break
        seen += page["results"]
        number += 1
    assert seen == rows
