import re
import time

from tholos.kit import ids

ID = re.compile(r"app_[0-7][0-9a-hjkmnp-tv-z]{25}")


def test_ids_are_of_one_form_and_unique():
    made = [ids.new_id("app") for _ in range(2000)]
    assert len(set(made)) == 2000
    assert all(ID.fullmatch(one) for one in made)


def test_ids_sort_by_the_time_they_were_made(monkeypatch):
    made = []
    for milliseconds in (0, 1, 31, 32, 2**20, 2**40, 2**48 - 1):
        monkeypatch.setattr(time, "time_ns", lambda now=milliseconds: now * 1_000_000 + 999_999)
        made.append(ids.new_id("op"))
    assert made == sorted(made)
    assert len({len(one) for one in made}) == 1


def test_secrets_are_long_and_fit_into_cookies_and_urls():
    made = {ids.new_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", one) for one in made)


def test_codes_have_no_letters_that_are_misread():
    for _ in range(100):
        assert re.fullmatch(r"([2-9A-HJKMNP-TV-Z]{5}-){3}[2-9A-HJKMNP-TV-Z]{5}", ids.new_code())
