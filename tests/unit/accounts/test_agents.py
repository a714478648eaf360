"""What a browser says it is, in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.accounts import agents

KIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Linux"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {KIT} Chrome/126.0 Safari/537.36", "Chrome on Windows"),
        (f"Mozilla/5.0 (Windows NT 10.0) {KIT} Chrome/126.0 Safari/537.36 Edg/126.0", "Edge on Windows"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.5 Safari/605.1.15",
            "Safari on macOS",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605 CriOS/126.0 Safari/604",
            "Chrome on iPhone",
        ),
        (f"Mozilla/5.0 (Linux; Android 14) {KIT} Chrome/126.0 Mobile Safari/537.36", "Chrome on Android"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {KIT} HeadlessChrome/126.0 Safari/537.36", "Chrome on Linux"),
        ("tholos/0.1.0 python/3.11", "tholos/0.1.0 python/3.11"),
        ("", ""),
    ],
)
def test_words(agent, words):
    assert agents.words(agent) == words


@given(st.text())
def test_whatever_is_sent_the_words_are_short_and_printable(agent):
    words = agents.words(agent)
    assert len(words) <= 80
    assert words.isprintable()
