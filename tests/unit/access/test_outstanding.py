from dataclasses import replace

import pytest

from tholos.access.outstanding import (
    IDENTITY_AT_MOST,
    STREAMS_AT_MOST,
    TOKENS_AT_MOST,
    TURNS_IN_LIFE,
    Outstanding,
)
from tholos.access.service import Admission, Stand
from tholos.accounts.service import hash_secret
from tholos.gateway.fleet import EVERYONE, Stream, stream_name

ADA = Admission("acc_ada", "ada", "ses_ada", 1, None, ("makers",))
BEA = Admission("acc_bea", "bea", "ses_bea", 1, None)
UNTIL = 4_000_000_000.0
GROUPS = {"acc_ada": ["makers"]}


@pytest.fixture
def out():
    made = Outstanding(600)
    made.note("app_1", ADA, is_fresh=True)
    made.note("app_1", BEA, is_fresh=True)
    made.note_public("app_2")
    return made


def age(out):
    """Until nobody believes what was so before."""
    for _ in range(TURNS_IN_LIFE + 2):
        out.turn()


def stand(place, session):
    return Stand(place, "session", session)


def test_what_is_out_is_asked_about_again(out):
    public = Stand("app_2", "public", "")
    assert out.stands() == {stand("app_1", "ses_ada"), stand("app_1", "ses_bea"), public}
    assert out.accounts() == {"acc_ada", "acc_bea"}


def test_who_does_not_stand_any_more_is_believed_no_more_and_nobody_else(out):
    out.settle({stand("app_1", "ses_ada"), Stand("app_2", "public", "")}, GROUPS)
    assert out.revoked_of("app_1") == ("ses_bea",)
    assert out.revoked_of("app_2") == ()
    assert out.is_public("app_2")


def test_without_proof_nothing_stands(out):
    out.settle((), {})
    assert out.revoked_of("app_1") == ("ses_ada", "ses_bea")
    assert not out.is_public("app_2")


def test_a_pass_that_tells_old_groups_is_believed_no_more(out):
    out.settle(out.stands(), {"acc_ada": ["makers", "sales"]})
    assert out.revoked_of("app_1") == ("ses_ada",)


def test_a_pass_whose_proof_is_older_than_a_change_is_for_the_door(out):
    out.note("app_3", ADA, is_fresh=False)
    assert out.revoked_of("app_3") == ("ses_ada",)


def test_it_is_forgotten_once_no_pass_is_believed_any_more_whatever_a_clock_says(out):
    believed = out.generations[-1]
    out.settle((), {})
    while believed in out.generations:
        assert out.stands()
        assert out.revoked_of("app_1")
        out.turn()
    assert out.revoked_of("app_1"), "a proxy may still live by what was so before this turn"
    out.turn()
    assert not out.stands()
    assert not out.revoked_of("app_1")


def test_a_pass_is_believed_for_as_long_as_it_is_good(out):
    """Even if it is made in a generation's last moment."""
    made = out.claims("app_1", ADA)["e"]
    assert out.turn_s * TURNS_IN_LIFE >= 600
    for _ in range(TURNS_IN_LIFE):
        out.turn()
        assert made in out.generations
        assert out.claims("app_1", ADA)["e"] != made
    out.turn()
    assert made not in out.generations


def test_a_pass_tells_the_proxy_who_it_is_unless_that_is_long(out):
    assert out.claims("app_1", ADA) == {
        "e": out.generations[-1],
        "n": "ada",
        "c": '{"user": "ada", "groups": ["makers"]}',
        "k": stream_name("app_1", "ses_ada"),
    }
    many = Admission(
        "acc_ada", "ada", "ses_ada", 1, None, tuple(f"group {n}" for n in range(IDENTITY_AT_MOST))
    )
    assert out.claims("app_1", many) == {}


def test_another_server_believes_none_of_before(out):
    assert not {*Outstanding(600).generations} & {*out.generations}


# Ways of streams


def test_an_app_that_has_streams_has_ways_for_those_who_have_a_pass_and_who_get_one(out):
    assert out.streams_of("app_1") == ()
    out.note_streams("app_1")
    assert out.streams_of("app_1") == ("ses_ada", "ses_bea")
    out.note("app_1", replace(ADA, session_id="ses_new"), is_fresh=True)
    out.note("app_3", ADA, is_fresh=True)
    assert out.streams_of("app_1") == ("ses_ada", "ses_bea", "ses_new")
    assert out.streams_of("app_3") == ()


def test_where_everyone_is_let_in_everyone_has_a_way_until_that_ends(out):
    out.note_streams("app_2")
    out.note_streams("app_5")
    out.note_public("app_5")
    assert (out.streams_of("app_2"), out.streams_of("app_5")) == ((EVERYONE,), (EVERYONE,))
    age(out)
    assert out.list_ended() == []
    assert Stand("app_5", "public", "") in out.stands()
    out.settle({Stand("app_2", "public", "")}, {})
    assert (out.streams_of("app_2"), out.streams_of("app_5")) == ((EVERYONE,), ())


def test_the_way_of_who_does_not_stand_any_more_is_gone_and_nobody_elses(out):
    out.note_streams("app_1")
    out.settle({stand("app_1", "ses_ada")}, {"acc_ada": ["others"]})
    assert out.streams_of("app_1") == ("ses_ada",), (
        "who is called otherwise by now has a new pass to get, and is not cut off"
    )
    assert not out.has_streams(("app_1", "ses_bea"))


def test_a_way_is_there_for_as_long_as_a_stream_on_it_though_the_pass_has_ended(out):
    out.note_streams("app_1")
    assert out.list_ended() == []
    age(out)
    assert out.list_ended() == [("app_1", "ses_ada"), ("app_1", "ses_bea")]
    out.end([("app_1", "ses_bea")])
    assert stand("app_1", "ses_ada") in out.stands()
    assert stand("app_1", "ses_bea") not in out.stands()
    out.note("app_1", ADA, is_fresh=True)
    assert out.list_ended() == []


def test_what_an_earlier_server_left_open_is_asked_about(out):
    out.adopt([Stream("app_7", "ses_old", "ins_1", "/run/ins_1.sock")])
    assert stand("app_7", "ses_old") in out.stands()
    out.turn()
    assert out.list_ended() == []
    out.settle((), {})
    assert out.streams_of("app_7") == ()


def test_of_several_instances_it_is_known_where_a_session_was(out):
    out.note_stream("app_1", "ses_ada", "ins_1")
    assert (out.instance_of("app_1", "ses_ada"), out.instance_of("app_1", "ses_bea")) == ("ins_1", "")
    out.changed.clear()
    out.note_stream("app_1", "ses_ada", "ins_1")
    out.note_stream("app_1", "ses_nobody", "ins_1")
    assert not out.changed.is_set(), "as it was, and of nobody with a pass"
    out.note_stream("app_1", "ses_ada", "ins_2")
    assert out.changed.is_set()
    assert out.instance_of("app_1", "ses_ada") == "ins_2"
    out.settle((), {})
    assert not out.instance_of("app_1", "ses_ada")


def test_there_are_no_more_ways_than_the_proxy_has_room_for(out):
    out.note_streams("app_1")
    for number in range(STREAMS_AT_MOST + 1):
        out.note("app_1", replace(ADA, session_id=f"ses_{number}"), is_fresh=True)
    assert len(out.streams_of("app_1")) == STREAMS_AT_MOST
    age(out)
    out.changed.clear()
    out.note("app_1", replace(ADA, session_id="ses_late"), is_fresh=True)
    assert out.changed.is_set(), "the next look makes room"
    out.end(out.list_ended())
    out.note("app_1", replace(ADA, session_id="ses_late"), is_fresh=True)
    assert out.has_streams(("app_1", "ses_late"))


# API tokens


def bearers(out, place="app_1"):
    return [(one.account, one.name) for one in out.bearers_of(place)]


def test_a_token_that_was_good_is_known_by_its_hash_until_it_ends(out):
    out.note_token("app_1", "tholos_a", ADA, UNTIL)
    assert bearers(out) == [("acc_ada", "ada")]
    assert bearers(out, "app_2") == []
    assert "tholos_a" not in repr(out.bearers_of("app_1"))
    out.changed.clear()
    out.note_token("app_1", "tholos_a", ADA, UNTIL)
    assert not out.changed.is_set(), "as it was"
    out.note_token("app_1", "tholos_a", ADA, UNTIL + 300)
    (again,) = out.bearers_of("app_1")
    assert again.until == UNTIL + 300
    age(out)
    assert bearers(out) == []


def test_a_token_that_does_not_stand_or_tells_old_groups_is_known_no_more(out):
    out.note_token("app_1", "tholos_a", ADA, UNTIL)
    out.note_token("app_1", "tholos_b", BEA, UNTIL)
    assert Stand("app_1", "token", "tholos_a") in out.stands()
    out.settle(out.stands(), GROUPS)
    assert len(bearers(out)) == 2
    out.settle(out.stands() - {Stand("app_1", "token", "tholos_b")}, GROUPS)
    assert bearers(out) == [("acc_ada", "ada")]
    out.settle(out.stands(), {"acc_ada": ["others"]})
    assert bearers(out) == []


def test_the_streams_of_a_token_have_a_way_for_as_long_as_it_stands_or_one_is_open(out):
    out.note_token_stream("app_1", "tholos_a", "ins_1")
    assert out.streams_of("app_1") == (), "it is not known to be good"
    out.note_token("app_1", "tholos_a", ADA, UNTIL)
    out.note_token_stream("app_1", "tholos_a", "ins_1")
    session = hash_secret("tholos_a")
    assert session in out.streams_of("app_1")
    assert out.instance_of("app_1", session) == "ins_1"
    age(out)
    assert ("app_1", session) in out.list_ended()
    out.note_token("app_1", "tholos_a", ADA, UNTIL)
    assert ("app_1", session) not in out.list_ended()
    assert Stand("app_1", "hash", session) in out.stands()
    out.settle({Stand("app_1", "hash", session)}, GROUPS)
    assert out.has_streams(("app_1", session))
    out.settle((), {})
    assert not out.has_streams(("app_1", session))


def test_no_more_tokens_are_known_than_there_is_room_for_and_none_that_cannot_be_told(out):
    for number in range(TOKENS_AT_MOST + 1):
        out.note_token("app_1", f"tholos_{number}", ADA, UNTIL)
    assert len(bearers(out)) == TOKENS_AT_MOST
    out.note_token("app_4", "tholos_x", replace(ADA, name="a\nb"), UNTIL)
    out.note_token("app_4", "tholos_x", replace(ADA, groups=("x" * IDENTITY_AT_MOST,)), UNTIL)
    assert bearers(out, "app_4") == []
