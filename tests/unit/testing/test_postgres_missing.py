import pytest

from tholos.testing.postgres import PostgresMissing, find_programs


def _install(folder, *programs):
    folder.mkdir(parents=True)
    for program in programs:
        (folder / program).touch(mode=0o755)
    return folder


def test_the_newest_is_taken(tmp_path):
    for version in ("9", "15", "16", "current"):
        _install(tmp_path / version / "bin", "initdb", "postgres")
    assert find_programs(tmp_path, path="") == tmp_path / "16" / "bin"


def test_one_on_path_will_do(tmp_path):
    folder = _install(tmp_path / "own", "initdb", "postgres")
    assert find_programs(tmp_path, path=str(folder)) == folder


def test_what_is_missing_is_named_with_what_installs_it(tmp_path):
    """Tests on PostgreSQL are never skipped: a run without it fails and says what it lacks."""
    _install(tmp_path / "16" / "bin", "initdb")
    with pytest.raises(PostgresMissing) as caught:
        find_programs(tmp_path, path="")
    for word in ("initdb", "postgres", str(tmp_path), "apt-get install postgresql"):
        assert word in str(caught.value)
