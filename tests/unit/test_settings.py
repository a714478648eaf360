import base64

import pytest
from pydantic import ValidationError

from tholos.settings import (
    AppSettings,
    ConnectSettings,
    GatewaySettings,
    SettingInvalid,
    Settings,
    SourceSettings,
)
from tholos.testing.authority import Authority


def _settings(monkeypatch, **values):
    for name in ("THOLOS_PUBLIC_URL", "THOLOS_APPS_DOMAIN", "THOLOS_PORT"):
        monkeypatch.delenv(name, raising=False)
    return Settings(**values)


@pytest.mark.parametrize(
    ("values", "port", "console", "app", "host"),
    [
        ({}, 8080, "http://localhost:8080", "http://{name}.localhost:8080", "localhost:8080"),
        ({}, 80, "http://localhost", "http://{name}.localhost", "localhost"),
        ({"public_url": "https://tholos.example.org"}, 8080, "https://tholos.example.org",
         "https://{name}.tholos.example.org", "tholos.example.org"),
        ({"public_url": "https://tholos.example.org/"}, 8080, "https://tholos.example.org",
         "https://{name}.tholos.example.org", "tholos.example.org"),
        ({"public_url": "https://Tholos.Example.org:443"}, 8080, "https://tholos.example.org",
         "https://{name}.tholos.example.org", "tholos.example.org"),
        ({"public_url": "http://box:9000"}, 8080, "http://box:9000", "http://{name}.box:9000", "box:9000"),
        ({"public_url": "https://t.example.org", "apps_domain": "Apps.example.org"}, 8080,
         "https://t.example.org", "https://{name}.apps.example.org", "t.example.org"),
        ({"public_url": "http://t.example.org:443"}, 8080, "http://t.example.org:443",
         "http://{name}.t.example.org:443", "t.example.org:443"),
    ],
)  # fmt: skip
def test_where_people_reach_it(monkeypatch, values, port, console, app, host):
    """As browsers write it in Host and Origin, or no request would be for the console."""
    settings = _settings(monkeypatch, **values)
    assert settings.console_url(port) == console
    assert settings.app_url(port) == app
    assert host in settings.console_hosts(port)


@pytest.mark.parametrize(("port", "suffix"), [(8080, ":8080"), (80, "")])
def test_from_the_machine_itself_it_is_reached_by_every_loopback_name(monkeypatch, port, suffix):
    hosts = _settings(monkeypatch, public_url="https://t.example.org").console_hosts(port)
    assert {f"{host}{suffix}" for host in ("localhost", "127.0.0.1", "[::1]")} <= hosts


def test_no_app_is_at_the_consoles_host(monkeypatch):
    settings = _settings(monkeypatch)
    assert settings.app_url(8080).format(name="app").partition("//")[2] not in settings.console_hosts(8080)


def test_apps_may_be_under_paths_of_it(monkeypatch):
    settings = _settings(
        monkeypatch, public_url="https://t.example.org/", apps=AppSettings(addresses="paths")
    )
    assert settings.app_url(8080) == "https://t.example.org/app/{name}"


def test_groups_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("THOLOS_APPS__HOLD_S", "3")
    monkeypatch.setenv("THOLOS_DATABASE_URL", "postgresql+psycopg://u:hush-hush@h/d")
    monkeypatch.setenv("THOLOS_OPENID__CLIENT_SECRET", "hush-hush")
    settings = Settings()
    assert settings.apps.hold_s == 3
    assert "hush-hush" not in repr(settings)


def test_a_provider_needs_to_be_set_as_a_whole(monkeypatch, tmp_path):
    for missing in (
        {"issuer": "login.example.org"}, {"issuer": "ftp://login.example.org"}, {"issuer": "https://x/?a=1"},
        {"client_id": ""}, {"scopes": "profile email"}, {"administrators_group": "admins"},
        {"default_role": "administrator"},
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"openid"):
            _settings(
                monkeypatch, openid={"issuer": "https://login.example.org", "client_id": "tholos", **missing}
            )
    assert not _settings(monkeypatch).openid.issuer


def test_the_secret_of_a_provider_may_be_in_a_file(monkeypatch, tmp_path):
    (tmp_path / "secret").write_text("hush-hush\n")
    given = {"issuer": "https://login.example.org", "client_id": "tholos"}
    in_file = _settings(monkeypatch, openid={**given, "client_secret_file": tmp_path / "secret"})
    assert in_file.openid.read_secret() == "hush-hush"
    assert _settings(monkeypatch, openid={**given, "client_secret": "hush"}).openid.read_secret() == "hush"


def test_what_is_wrong_is_named_and_no_secret_is_shown(monkeypatch, tmp_path):
    monkeypatch.setenv("THOLOS_OPENID__CLIENT_SECRET", "hush-hush")
    monkeypatch.setenv("THOLOS_OPENID__ISSUER", "login.example.org")
    with pytest.raises(SettingInvalid) as caught:
        Settings.read(tmp_path, "127.0.0.1", 8080)
    assert caught.value.message.startswith("Cannot start: openid.issuer must be a URL")
    assert caught.value.where == "THOLOS_OPENID"
    assert "hush-hush" not in f"{caught.value} {caught.value.__cause__}"
    monkeypatch.setenv("THOLOS_OPENID__ISSUER", "")
    monkeypatch.setenv("THOLOS_MAIL__PORT", "70000")
    with pytest.raises(SettingInvalid, match="less than or equal to 65535") as caught:
        Settings.read(tmp_path, "127.0.0.1", 8080)
    assert caught.value.where == "THOLOS_MAIL__PORT"


def test_a_secret_that_cannot_be_read_is_told(monkeypatch, tmp_path):
    given = {
        "issuer": "https://login.example.org",
        "client_id": "tholos",
        "client_secret_file": tmp_path / "none",
    }
    with pytest.raises(SettingInvalid, match="No such file") as caught:
        _settings(monkeypatch, openid=given).openid.read_secret()
    assert caught.value.where == "THOLOS_OPENID__CLIENT_SECRET_FILE"


def test_a_bootstrap_key_is_read_from_its_file(tmp_path):
    file = tmp_path / "key"
    file.write_bytes(base64.b64encode(bytes(32)) + b"\n")
    assert ConnectSettings(bootstrap_key_file=file).read_bootstrap_key() == bytes(32)
    assert ConnectSettings().read_bootstrap_key() == b""


def test_certificates_of_repositories_hosts_are_read_from_their_file(tmp_path):
    file = Authority.make(tmp_path).file
    assert SourceSettings(ca_file=file).read_authorities() == file.read_text()
    assert SourceSettings().read_authorities() == ""


@pytest.mark.parametrize("data", [b"", b"no certificate", b"\xff", None])
def test_a_file_without_certificates_is_told_at_the_start(tmp_path, data):
    file = tmp_path / "ca.pem"
    if data is not None:
        file.write_bytes(data)
    with pytest.raises(SettingInvalid, match="certificates of repositories' hosts") as refused:
        SourceSettings(ca_file=file).read_authorities()
    assert refused.value.where == "THOLOS_SOURCES__CA_FILE"
    assert "BEGIN CERTIFICATE" in refused.value.fix


@pytest.mark.parametrize("data", [b"", b"c2hvcnQ=", b"\xff\xfe", b"no base64 at all!", None])
def test_a_bootstrap_key_that_is_none_is_told_at_the_start(tmp_path, data):
    """One that anybody could guess would hand out the administrator's account."""
    file = tmp_path / "key"
    if data is not None:
        file.write_bytes(data)
    with pytest.raises(SettingInvalid, match="bootstrap key") as refused:
        ConnectSettings(bootstrap_key_file=file).read_bootstrap_key()
    assert "urandom" in refused.value.fix


@pytest.mark.parametrize(
    "gateway",
    [
        {"mode": "on", "tls_cert": "chain.pem"},
        {"mode": "on", "tls_key": "key.pem"},
        {"mode": "off", "tls_cert": "chain.pem", "tls_key": "key.pem"},
    ],
)
def test_https_needs_a_certificate_its_key_and_a_proxy(gateway):
    with pytest.raises(ValidationError):
        GatewaySettings(**gateway)


@pytest.mark.parametrize(
    ("url", "has_file", "has_proxy", "where"),
    [
        ("https://tholos.example.org", True, True, ""),
        ("https://tholos.example.org", True, False, "THOLOS_GATEWAY__TLS_CERT"),
        ("https://tholos.example.org", False, True, "THOLOS_GATEWAY__TLS_CERT"),
        ("", True, True, "THOLOS_PUBLIC_URL"),
        ("http://tholos.example.org", True, True, "THOLOS_PUBLIC_URL"),
    ],
)
def test_who_wants_https_is_told_at_the_start_what_is_missing(tmp_path, url, has_file, has_proxy, where):
    file = tmp_path / "both.pem"
    if has_file:
        file.touch()
    settings = Settings(public_url=url, gateway=GatewaySettings(mode="on", tls_cert=file, tls_key=file))
    if not where:
        settings.check_https(has_proxy=has_proxy)
        return
    with pytest.raises(SettingInvalid) as raised:
        settings.check_https(has_proxy=has_proxy)
    assert raised.value.where == where
