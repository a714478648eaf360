import pytest

from tholos.server.proxy import keep_waiting


@pytest.mark.parametrize("before", ["0\n", "1\n"])
def test_what_waits_at_a_proxy_that_ends_is_handed_on(tmp_path, before):
    setting = tmp_path / "tcp_migrate_req"
    setting.write_text(before)
    keep_waiting(setting)
    assert setting.read_text().strip() == "1"


def test_a_system_without_it_or_a_server_without_the_right_goes_on(tmp_path):
    keep_waiting(tmp_path / "away")
    assert not (tmp_path / "away").exists()
