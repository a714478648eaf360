import pytest

from tholos.access.outstanding import IDENTITY_AT_MOST, TURNS_IN_LIFE, Outstanding
from tholos.access.service import Admission, Stand

ADA = Admission("acc_ada", "ada", "ses_ada", 1, None, ("makers",))
BEA = Admission("acc_bea", "bea", "ses_bea", 1, None)
GROUPS = {"acc_ada": ["makers"]}


@pytest.fixture
def out():
    made = Outstanding(600)
    made.note("app_1", ADA, is_fresh=True)
    made.note("app_1", BEA, is_fresh=True)
    made.note_public("app_2")
    return made


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
    made = out.claims(ADA)["e"]
    assert out.turn_s * TURNS_IN_LIFE >= 600
    for _ in range(TURNS_IN_LIFE):
        out.turn()
        assert made in out.generations
        assert out.claims(ADA)["e"] != made
    out.turn()
    assert made not in out.generations


def test_a_pass_tells_the_proxy_who_it_is_unless_that_is_long(out):
    assert out.claims(ADA) == {
        "e": out.generations[-1],
        "n": "ada",
        "c": '{"user": "ada", "groups": ["makers"]}',
    }
    many = Admission(
        "acc_ada", "ada", "ses_ada", 1, None, tuple(f"group {n}" for n in range(IDENTITY_AT_MOST))
    )
    assert out.claims(many) == {}


def test_another_server_believes_none_of_before(out):
    assert not {*Outstanding(600).generations} & {*out.generations}
