"""What a probe and a Prometheus get of a real installation."""

import json

import pytest

from tholos.testing.trial import Trial, eventually, wsgi

SETTINGS = {"THOLOS_METRICS__TOKEN": "for-the-scraper", "THOLOS_LOG__ACCESS": "true"}


@pytest.fixture(scope="module")
def sales(trial: Trial) -> Trial:
    trial.publish("sales", wsgi("totals"))
    return trial


def _figures(sales) -> dict[str, float]:
    answer = sales.server.ask("GET", "/metrics", token="for-the-scraper")
    assert answer.status == 200, answer.text
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def test_a_probe_asks_by_any_host(sales):
    for host in ("localhost", "10.1.2.3", "nobody.example.org"):
        answer = sales.server.ask("GET", "/health/ready", token="", headers={"Host": host})
        assert answer.status == 200, answer.text
        assert json.loads(answer.body)["parts"] == dict.fromkeys(
            ("database", "migrations", "store", "supervisor"), "ok"
        )
    assert sales.server.ask("GET", "/", token="", headers={"Host": "10.1.2.3"}).status == 421


def test_figures_tell_of_requests_instances_and_builds(sales):
    before = _figures(sales).get('tholos_requests_total{by="app",app="sales",status="2xx"}', 0)
    assert sales.get("sales", "/").status == 200
    eventually(
        lambda: _figures(sales)['tholos_requests_total{by="app",app="sales",status="2xx"}'] == before + 1
    )
    found = _figures(sales)
    assert found['tholos_instances{state="ready"}'] == 1
    assert found['tholos_operations{kind="publish",state="done"}'] == 1
    assert found['tholos_operation_seconds_count{kind="publish",state="done"}'] == 1
    assert found['tholos_operation_step_seconds_count{kind="publish",step="environment",state="done"}'] == 1
    (memory,) = [value for name, value in found.items() if name.startswith("tholos_instance_memory_bytes{")]
    assert memory > 1_000_000
    assert found["tholos_store_bytes"] > 0
    assert found["tholos_database_bytes"] > 0
    assert found["process_resident_memory_bytes"] > 10_000_000


def test_nobody_else_gets_them(sales):
    assert sales.server.ask("GET", "/metrics", token="").status == 401
    assert sales.server.ask("GET", "/metrics", token="for-the-scrapeR").status == 401
    assert sales.server.ask("GET", "/metrics").status == 200  # the administrator's own token


def test_the_log_has_an_entry_for_each_request(sales):
    assert sales.get("sales", "/logged?code=hidden").status == 200

    def logged():
        lines = sales.server.log.read_text().splitlines()
        entries = [json.loads(line) for line in lines if '"request_answered"' in line]
        return [one for one in entries if one["path"] == "/logged"]

    eventually(logged)
    (entry,) = logged()
    assert (entry["app"], entry["release"], entry["status"], entry["by"]) == ("sales", "1", 200, "app")
    assert entry["instance"].startswith("ins_")
    assert entry["account"].startswith("acc_")
    assert "hidden" not in sales.server.log.read_text()
