"""Kept paths survive releases, whatever an app does with them."""

import itertools
import os
from pathlib import Path

import pytest

from tholos.runtime import keeping
from tholos.runtime.keeping import SET_ASIDE, lead, outermost


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def release(folder: Path, number: int, **files: str) -> Path:
    sources = folder / str(number)
    for name, text in files.items():
        path = sources / name.replace("__", "/").replace("_db", ".db")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    sources.mkdir(exist_ok=True)
    return sources


def test_what_was_published_first_is_kept_and_later_publishes_give_way(tmp_path, data):
    """The data folder's copy is the one that lives on."""
    one, two = release(tmp_path, 1, shop_db="first"), release(tmp_path, 2, shop_db="published again")
    lead(one, data, ["shop.db"], is_new=True)
    (one / "shop.db").write_text("written by the app")
    lead(two, data, ["shop.db"], is_new=True)
    assert (two / "shop.db").read_text() == "written by the app"


def test_a_file_that_the_app_replaced_is_the_newer_one(tmp_path, data):
    """Temporary file and rename, as careful programs write."""
    one, two = release(tmp_path, 1, shop_db="first"), release(tmp_path, 2, shop_db="published again")
    lead(one, data, ["shop.db"], is_new=True)
    (one / "new").write_text("replaced")
    (one / "new").replace(one / "shop.db")
    lead(one, data, ["shop.db"], is_new=False)
    lead(two, data, ["shop.db"], is_new=True)
    assert (one / "shop.db").is_symlink()
    assert (two / "shop.db").read_text() == "replaced"


def test_a_path_within_another_one_destroys_nothing(tmp_path, data):
    """Release 1 keeps a folder, release 2 that folder and a file in it."""
    one, two = release(tmp_path, 1, media__a="a"), release(tmp_path, 2, media__a="published")
    lead(one, data, ["media"], is_new=True)
    (one / "media" / "a").write_text("precious")
    lead(one, data, ["media", "media/a"], is_new=False)
    lead(two, data, ["media/a", "media"], is_new=True)
    assert (two / "media" / "a").read_text() == "precious"
    assert (data / "media" / "a").read_text() == "precious"


def test_a_folder_that_the_app_made_anew_sets_the_old_one_aside(tmp_path, data):
    """Nothing in the data folder is ever removed."""
    one = release(tmp_path, 1, media__a="old")
    lead(one, data, ["media"], is_new=True)
    (one / "media").unlink()
    (one / "media").mkdir()
    (one / "media" / "b").write_text("new")
    lead(one, data, ["media"], is_new=False)
    assert [path.name for path in (data / "media").iterdir()] == ["b"]
    assert sorted(path.read_text() for path in data.glob("media.*/*")) == ["old"]


def test_a_path_that_nobody_published_is_a_folder_or_will_be_a_file(tmp_path, data):
    """Flask's instance folder is there before the app is; a database is made by whoever opens it."""
    one = release(tmp_path, 1)
    lead(one, data, ["instance", "db.sqlite3"], is_new=True)
    assert (one / "instance").is_dir()
    (one / "db.sqlite3").write_text("made by the app")
    assert (data / "db.sqlite3").read_text() == "made by the app"


def replace(folder: Path, name: str, text: str, at: int) -> None:
    """As careful programs write: a temporary file, renamed over it; at so many seconds."""
    (folder / "new").write_text(text)
    os.utime(folder / "new", (at, at))
    (folder / "new").replace(folder / name)


def set_aside(data: Path) -> list[str]:
    return [path.read_text() for path in sorted(data.glob("state.json.before_*"))]


def test_what_is_kept_and_newer_stays_and_the_older_one_is_set_aside(tmp_path, data):
    """Release 1 saved once more while release 2 took over; going back to it must not bring its old state back."""
    one, two = release(tmp_path, 1), release(tmp_path, 2)
    for sources in (one, two):
        lead(sources, data, ["state.json"], is_new=True)
    replace(one, "state.json", "monday, by release 1", 1000)
    replace(two, "state.json", "friday, by release 2", 2000)
    lead(two, data, ["state.json"], is_new=False)
    lead(one, data, ["state.json"], is_new=False)
    assert (one / "state.json").is_symlink()
    assert (one / "state.json").read_text() == "friday, by release 2"
    assert set_aside(data) == ["monday, by release 1"]


def test_what_is_kept_and_older_is_set_aside(tmp_path, data):
    one, two = release(tmp_path, 1), release(tmp_path, 2)
    for sources in (one, two):
        lead(sources, data, ["state.json"], is_new=True)
    (two / "state.json").write_text("through the link")
    os.utime(data / "state.json", (1000, 1000))
    replace(one, "state.json", "newer", 2000)
    lead(one, data, ["state.json"], is_new=False)
    assert (two / "state.json").read_text() == "newer"
    assert set_aside(data) == ["through the link"]


def test_what_says_the_same_is_not_set_aside(tmp_path, data):
    one = release(tmp_path, 1)
    lead(one, data, ["state.json"], is_new=True)
    for at in (1000, 2000):
        replace(one, "state.json", "the same", at)
        lead(one, data, ["state.json"], is_new=False)
    assert set_aside(data) == []


def test_only_the_last_ones_of_a_file_stay(tmp_path, data, monkeypatch):
    number = itertools.count(100)
    monkeypatch.setattr(keeping.ids, "new_id", lambda prefix: f"{prefix}_{next(number)}")
    one = release(tmp_path, 1)
    lead(one, data, ["state.json"], is_new=True)
    for at in range(SET_ASIDE + 3):
        replace(one, "state.json", f"save {at}", 1000 + at)
        lead(one, data, ["state.json"], is_new=False)
    assert set_aside(data) == [f"save {at}" for at in range(2, SET_ASIDE + 2)]


def test_what_is_still_open_goes_on_being_written_where_it_is_kept(tmp_path, data):
    one = release(tmp_path, 1)
    lead(one, data, ["state.json"], is_new=True)
    replace(one, "state.json", "first ", 1000)
    with (one / "state.json").open("a") as file:
        lead(one, data, ["state.json"], is_new=False)
        file.write("second")
    assert (data / "state.json").read_text() == "first second"


def test_a_kept_folder_with_something_newer_in_it_stays(tmp_path, data):
    one, two = release(tmp_path, 1, media__a="a"), release(tmp_path, 2)
    for sources in (one, two):
        lead(sources, data, ["media"], is_new=True)
    (one / "media").unlink()
    release(tmp_path, 1, media__a="old")
    os.utime(one / "media" / "a", (1000, 1000))
    os.utime(one / "media", (1000, 1000))
    (two / "media" / "b").write_text("new")
    lead(one, data, ["media"], is_new=False)
    assert sorted(path.read_text() for path in (one / "media").iterdir()) == ["a", "new"]
    assert [path.read_text() for path in data.glob("media.before_*/*")] == ["old"]


def test_doing_it_twice_is_doing_it_once(tmp_path, data):
    """A server that ended in its middle is followed by one that does it again."""
    one = release(tmp_path, 1, media__a="a")
    lead(one, data, ["media"], is_new=True)
    lead(one, data, ["media"], is_new=True)
    assert (one / "media" / "a").read_text() == "a"
    assert [path.name for path in data.iterdir()] == ["media"]


def test_outermost_paths():
    """Those within another are left out."""
    assert outermost(["a/b", "a", "ab", "c/d/"]) == ["a", "ab", "c/d"]


def test_what_an_app_leads_out_of_its_folder_is_left_alone(tmp_path, data):
    """It may put links where we, who may more, would write through them."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (data / "cache").symlink_to(outside)
    one = release(tmp_path, 1, cache__evil="written with our rights")
    lead(one, data, ["cache/evil"], is_new=True)
    assert [*outside.iterdir()] == []
    assert not (one / "cache" / "evil").is_symlink()
