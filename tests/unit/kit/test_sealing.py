"""Sealed texts open only whole, in their place, and with their key; keys are added and dropped."""

import os
import stat
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tholos.kit.sealing import CannotOpen, KeyUnreadable, Sealer

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
ANY_TIME = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def sealer(tmp_path):
    return Sealer(tmp_path / "keys")


@given(text=TEXTS, about=st.text(max_size=40).filter(str.isprintable))
@ANY_TIME
def test_what_was_sealed_opens_in_its_place(sealer, text, about):
    assert sealer.open(sealer.seal(text, about), about) == text


@given(text=TEXTS, about=st.sampled_from(["val_1", "val_2", ""]), other=st.sampled_from(["val_3", "sec_1"]))
@ANY_TIME
def test_what_was_sealed_for_one_row_opens_in_no_other(sealer, text, about, other):
    with pytest.raises(CannotOpen):
        sealer.open(sealer.seal(text, about), other)


@given(data=st.data(), text=TEXTS)
@ANY_TIME
def test_a_sealed_text_with_any_other_character_does_not_open(sealer, data, text):
    sealed = sealer.seal(text, "row")
    at = data.draw(st.integers(0, len(sealed) - 1))
    other = data.draw(st.characters(exclude_categories=["Cs"]).filter(lambda one: one != sealed[at]))
    with pytest.raises(CannotOpen):
        sealer.open(sealed[:at] + other + sealed[at + 1 :], "row")


@given(data=st.data(), text=TEXTS)
@ANY_TIME
def test_a_sealed_text_that_was_cut_or_added_to_does_not_open(sealer, data, text):
    sealed = sealer.seal(text, "row")
    cut = data.draw(st.integers(0, len(sealed) - 1))
    for changed in (sealed[:cut], sealed + data.draw(st.text("=A-.\n", min_size=1, max_size=4))):
        with pytest.raises(CannotOpen):
            sealer.open(changed, "row")


@given(garbage=st.text(max_size=60))
@ANY_TIME
def test_what_nobody_sealed_does_not_open(sealer, garbage):
    with pytest.raises(CannotOpen):
        sealer.open(garbage, "row")


@pytest.mark.parametrize("number", ["01", "+1", " 1", "\uff11", "1_0", "", "-1", "9" * 5000])
def test_a_key_has_one_way_to_be_named(sealer, number):
    rest = sealer.seal("text", "row").partition(".")[2]
    with pytest.raises(CannotOpen) as caught:
        sealer.open(f"{number}.{rest}", "row")
    assert len(caught.value.message) < 200


def test_no_text_is_in_what_is_sealed_nor_in_an_error(sealer):
    sealed = sealer.seal("hunter2hunter2", "row")
    assert "hunter2" not in sealed
    with pytest.raises(CannotOpen) as caught:
        sealer.open(sealed, "other")
    assert "hunter2" not in str(caught.value.to_json())


def test_equal_texts_are_sealed_differently(sealer):
    assert sealer.seal("same", "row") != sealer.seal("same", "row")


def test_keys_are_for_their_owner_only(sealer, tmp_path):
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    for key in (tmp_path / "keys").iterdir():
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        assert key.stat().st_size == 32


def test_a_new_process_opens_what_the_last_one_sealed(sealer, tmp_path):
    assert Sealer(tmp_path / "keys").open(sealer.seal("kept", "row"), "row") == "kept"


def test_a_new_key_seals_and_older_ones_still_open(sealer):
    before = sealer.seal("old", "row")
    assert sealer.add_key() == 2
    after = sealer.seal("new", "row")
    assert (sealer.is_current(before), sealer.is_current(after)) == (False, True)
    assert (sealer.open(before, "row"), sealer.open(after, "row")) == ("old", "new")


def test_a_key_that_was_dropped_opens_nothing(sealer, tmp_path):
    before = sealer.seal("old", "row")
    sealer.add_key()
    sealer.drop_older_keys()
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["seal-0002.key"]
    for one in (sealer, Sealer(tmp_path / "keys")):
        with pytest.raises(CannotOpen, match="key 1 is missing"):
            one.open(before, "row")


def test_dropping_twice_is_dropping_once(sealer):
    sealer.drop_older_keys()
    sealer.drop_older_keys()
    assert sealer.current == 1


def test_a_key_that_is_there_is_not_written_over(sealer, tmp_path):
    other = Sealer(tmp_path / "keys")
    sealer.add_key()
    with pytest.raises(FileExistsError):
        other.add_key()
    assert len(list((tmp_path / "keys").iterdir())) == 2


def test_a_key_of_another_length_is_named(sealer, tmp_path):
    (tmp_path / "keys" / "seal-0001.key").write_bytes(b"short")
    with pytest.raises(KeyUnreadable, match=r"key 1 .* 5 bytes instead of 32"):
        Sealer(tmp_path / "keys")


def test_a_key_that_was_cut_off_while_it_was_made_is_none(tmp_path, monkeypatch):
    sealer = Sealer(tmp_path / "keys")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "link", fail)
    with pytest.raises(OSError, match="No space"):
        sealer.add_key()
    monkeypatch.undo()
    assert Sealer(tmp_path / "keys").current == 1
    assert sealer.add_key() == 2


def test_other_files_in_the_folder_are_no_keys(sealer, tmp_path):
    for name in ("seal-x.key", "passes.pem", ".seal-0009.key.ab12", "seal-0009.key.bak"):
        (tmp_path / "keys" / name).write_bytes(b"x")
    assert Sealer(tmp_path / "keys").current == 1


def test_it_seals_while_keys_come_and_go(sealer):
    wrong = []

    def use():
        for _ in range(300):
            try:
                sealer.seal("text", "row")
            except Exception as error:  # noqa: BLE001 - whatever is wrong is what the test is about
                wrong.append(error)

    threads = [threading.Thread(target=use) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        sealer.add_key()
        sealer.drop_older_keys()
    for thread in threads:
        thread.join()
    assert not wrong
