import pytest

from tholos.kit.locks import Locked, held


def test_one_holds_it_at_a_time(tmp_path):
    path = tmp_path / "server.lock"
    with held(path):
        with pytest.raises(Locked) as caught, held(path):
            pass
        assert str(tmp_path) in caught.value.message
    with held(path):
        pass


def test_what_breaks_inside_lets_go_and_is_told(tmp_path):
    with pytest.raises(BlockingIOError), held(tmp_path / "lock"):
        raise BlockingIOError("of the block itself")
    with held(tmp_path / "lock"):
        pass
