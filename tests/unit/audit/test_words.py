"""Every action has words of its own."""

from tholos.audit.models import Action
from tholos.audit.words import WORDS, words_of


def test_every_action_is_put_into_words():
    assert set(WORDS) == set(Action)
    assert len(set(WORDS.values())) == len(WORDS)


def test_an_action_of_a_later_version_is_named_as_it_is():
    assert words_of("app.made") == "made an app"
    assert words_of("moon.landed") == "moon.landed"
