import os

import pytest

from tholos.runtime import users


@pytest.fixture
def folder(tmp_path):
    def make(name):
        (tmp_path / name).mkdir(exist_ok=True)
        return tmp_path / name

    return make


def test_each_app_has_its_own_number_for_good(folder, tmp_path):
    counter = tmp_path / "users"
    one, two = users.of_app(folder("one"), counter), users.of_app(folder("two"), counter)
    assert two == one + 1
    assert users.FIRST <= one < 1 << 31
    assert users.of_app(folder("one"), counter) == one
    assert users.of_app(folder("three"), counter) == two + 1


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")
def test_links_are_given_and_not_what_they_lead_to(folder):
    app, other = folder("app"), folder("other")
    (other / "file").write_text("not its own")
    (app / "deep").mkdir()
    (app / "deep" / "link").symlink_to(other / "file")
    (app / "loop").symlink_to(app)
    users.give(app, users.FIRST)
    users.give(app, users.FIRST)
    assert (app / "deep" / "link").lstat().st_uid == users.FIRST
    assert (other / "file").stat().st_uid == 0
    assert app.stat().st_uid == users.FIRST


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")
def test_what_was_made_at_a_path_is_given_with_the_folders_between(folder):
    data = folder("data")
    (data / "a" / "b" / "c").mkdir(parents=True)
    users.give_path(data, "a/b/c", users.FIRST)
    assert [path.stat().st_uid for path in (data, data / "a", data / "a" / "b", data / "a" / "b" / "c")] == [
        0,
        *[users.FIRST] * 3,
    ]


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")
def test_a_path_over_a_link_is_nothing(folder):
    data, other = folder("data"), folder("other")
    (other / "file").write_text("not its own")
    (data / "way").symlink_to(other)
    users.give_path(data, "way/file", users.FIRST)
    users.give_path(data, "no/such", users.FIRST)
    assert [(other / "file").stat().st_uid, other.stat().st_uid] == [0, 0]
