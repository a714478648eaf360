"""Every setting of the server, with its default; read from ``THOLOS_…`` in the environment and from arguments."""

from __future__ import annotations

import base64
import os
import ssl
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from tholos.kit.errors import Invalid

_BOOTSTRAP_KEY_BYTES = 32


class SettingInvalid(Invalid):
    """Cannot start: a setting is wrong."""

    code = "setting_invalid"


class AppSettings(BaseModel):
    """How apps run."""

    start_timeout_s: float = Field(
        60.0,
        gt=0,
        description="Seconds that a new instance has for its first answer; Gradio and Voilà have 180, a notebook 1800.",
    )
    idle_timeout_s: float = Field(
        0.0,
        ge=0,
        description="Seconds without a request after which an app sleeps until the next one, where the app does not say; "
        "0 keeps apps awake.",
    )
    connections: int = Field(
        20,
        ge=1,
        le=1_000_000,
        description="Requests at once that an instance takes before another one is started, of apps that may have several.",
    )
    hold_s: float = Field(30.0, gt=0, description="Seconds that a request waits for an app that is starting.")
    drain_timeout_s: float = Field(
        300.0, ge=0, description="Seconds that the requests of an old release have to end by themselves."
    )
    fallback_s: float = Field(
        120.0,
        ge=0,
        description="Seconds that the release that was live before keeps running, so that a roll-back is immediate.",
    )
    pass_life_s: int = Field(
        600,
        ge=2,
        le=3600,
        description="Seconds that a browser is let in by what it was given, before the server looks again.",
    )
    keep_releases: int = Field(
        20, ge=1, le=10_000, description="Releases that are kept of an app, besides pinned ones."
    )
    log_limit: int = Field(64 << 20, ge=1 << 20, description="Bytes that are kept of each instance's log.")
    open_files: int = Field(8192, ge=64, description="Open files that each of an app's processes may have.")
    addresses: Literal["hosts", "paths"] = Field(
        "hosts",
        description="Where apps are reached: at hosts of their own, or under paths of the console's host, /app/NAME/, which "
        "makes one origin of all: then whoever may publish has to be trusted.",
    )
    memory_mb: int = Field(
        4096,
        ge=0,
        description="Megabytes of memory that all processes of an app may have together; 0 for no limit.",
    )
    cpu: float = Field(
        0.0, ge=0, description="Cores that they may use together, such as 1.5; 0 for no limit."
    )
    processes: int = Field(1000, ge=0, description="Processes and threads that they may be; 0 for no limit.")
    network: bool = Field(default=True, description="Whether apps may use the network.")
    disk_mb: int = Field(
        0,
        ge=0,
        description="Megabytes that an app may store in its data folder, its TMPDIR and beside its code; 0 for no limit. It is "
        "measured, and an app that stores more is ended.",
    )
    disk_interval_s: float = Field(
        60.0, gt=0, description="Seconds between two looks at what apps store; more where a look takes long."
    )
    standby_mb: int = Field(
        512,
        ge=0,
        description="Megabytes of memory that the processes may have together which wait, with their packages imported, to "
        "wake apps that sleep; what was used last comes first. 0 for none.",
    )
    paths_for: Literal["publishers", "administrators"] = Field(
        "publishers",
        description="Who lets a path of the console's host lead to an app: publishers, for those that they edit, or "
        "administrators.",
    )

    @property
    def are_one_origin(self) -> bool:
        """Whether apps and console are one origin to a browser."""
        return self.addresses == "paths"


class SandboxSettings(BaseModel):
    """What keeps apps from the machine and from each other."""

    mode: Literal["auto", "off", "required"] = Field(
        "auto",
        description="auto takes the walls that this machine gives; required lets no app start where one that matters is "
        "missing; off takes none.",
    )
    read_only: list[Path] = Field(
        [], description='Further folders that every app may read, as a JSON list such as ["/opt/models"].'
    )

    local_ports: list[Annotated[int, Field(ge=1, le=65535)]] = Field(
        [],
        max_length=90,
        description="Ports of this machine that apps reach besides those that they open themselves, as a JSON list such as "
        "[5432]; Tholos' own and 53, for names, they reach anyway.",
    )

    @field_validator("read_only")
    @classmethod
    def check_folders(cls, folders: list[Path]) -> list[Path]:
        for folder in folders:
            if not folder.is_absolute() or ".." in folder.parts or folder == Path("/"):
                msg = f"sandbox.read_only must be absolute paths of folders, not {folder}"
                raise ValueError(msg)
        return folders


class GatewaySettings(BaseModel):
    """Whether a proxy stands in front, and how long either way waits for clients."""

    mode: Literal["off", "on"] = Field(
        "off",
        description="on puts Envoy in front, where tholos[gateway] is installed: whoever may open an app "
        "reaches it without the server. off has the server alone carry everything.",
    )
    program: str = Field(
        "", description="Path of Envoy; the one of tholos[gateway], or else on PATH, where empty."
    )
    tls_cert: Path | None = Field(
        None,
        description="A file with the certificate and its chain (PEM): then people come by https. Replaced by a rename, it is "
        "taken at once.",
    )
    tls_key: Path | None = Field(None, description="A file with the private key of that certificate (PEM).")
    head_kb: int = Field(
        64,
        ge=8,
        le=1024,
        description="Kilobytes that the headers of a request may have; with more it is answered 431.",
    )
    head_timeout_s: float = Field(
        20.0, gt=0, description="Seconds that a client has for the headers of a request."
    )
    keep_alive_s: float = Field(
        75.0, gt=0, description="Seconds that a connection of a client is kept between two requests."
    )
    idle_timeout_s: float = Field(
        0.0,
        ge=0,
        description="Seconds without a byte after which an answer or a websocket is ended, and by Envoy a request that waits for "
        "its answer too; 0 never ends one for that.",
    )
    max_body_mb: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="Megabytes that the body of a request for an app may have, an upload for example; with more it is answered "
        "413. 0 bounds none.",
    )
    compress: bool = Field(
        default=False,
        description="Whether answers are sent compressed (gzip) that apps did not compress; what an app sends piece by "
        "piece may arrive later then.",
    )

    @model_validator(mode="after")
    def check_together(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            msg = "gateway.tls_cert and gateway.tls_key need each other"
            raise ValueError(msg)
        if self.tls_cert is not None and self.mode != "on":
            msg = "gateway.tls_cert needs gateway.mode on"
            raise ValueError(msg)
        return self


class PackageSettings(BaseModel):
    """Where packages come from."""

    index_url: str = Field("", description="A package index instead of PyPI.")
    find_links: str = Field("", description="A folder or page of wheels to look in as well.")
    offline: bool = Field(default=False, description="Use nothing but what is cached or lies in find_links.")
    build_memory_mb: int = Field(
        4096,
        ge=0,
        description="Megabytes of memory that one build of packages may have, or uv where it builds nothing; packages without a wheel "
        "run code as they are built. 0 for no limit, as for the next three.",
    )
    build_cpu: float = Field(0.0, ge=0, description="Cores that one build may use, such as 1.5.")
    build_processes: int = Field(1000, ge=0, description="Processes and threads that one build may be.")
    build_disk_mb: int = Field(
        20_000,
        ge=0,
        description="Megabytes that one build may write, with what its owner's earlier builds have cached; or that one environment's "
        "wheels may take when they are unpacked. It is measured, and what writes more is ended.",
    )


class QuotaSettings(BaseModel):
    """What the apps of one account may be and take together, where nothing else is said of it; administrators' are not bounded."""

    apps: int = Field(
        0, ge=0, le=1_000_000, description="Apps that it may own; 0 for no limit, as for the rest."
    )
    instances: int = Field(0, ge=0, le=1_000_000, description="Instances of them that may run at once.")
    memory_mb: int = Field(
        0, ge=0, le=2**31 - 1, description="Megabytes of memory that these may have, by their limits."
    )
    storage_mb: int = Field(
        0,
        ge=0,
        le=2**31 - 1,
        description="Megabytes of the files of their releases; what several have counts once.",
    )


class MailSettings(BaseModel):
    """How mail is sent; none is where there is no host."""

    host: str = Field(
        "", description="The mail server (SMTP) that mail is given to; none is sent where empty."
    )
    port: int = Field(587, ge=1, le=65535, description="Its port.")
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How the connection is kept from others: starttls, tls or none."
    )
    username: str = Field(
        "", description="Name to sign in to the mail server with; without one nobody signs in."
    )
    password: SecretStr = Field(SecretStr(""), description="Password to sign in to the mail server with.")
    sender: str = Field(
        "",
        description="Whom mail is from, such as Tholos <tholos@example.org>; tholos@ the host where empty.",
    )

    @property
    def sent_from(self) -> str:
        return self.sender or f"Tholos <tholos@{self.host}>"


class NotificationSettings(BaseModel):
    """Where webhooks may lead."""

    allow_networks: list[str] = Field(
        [],
        description='Networks inside that webhooks may be sent to, as a JSON list such as ["10.0.0.0/8"]; others are refused.',
    )

    @field_validator("allow_networks")
    @classmethod
    def check_networks(cls, texts: list[str]) -> list[str]:
        for text in texts:
            ip_network(text)
        return texts


class SourceSettings(BaseModel):
    """Which repositories apps may follow, and how."""

    allow_networks: list[str] = Field(
        [],
        description='Networks inside that repositories may be fetched from, as a JSON list such as ["10.0.0.0/8"]; others are refused.',
    )
    local_folders: list[Path] = Field(
        [],
        description='Folders of this machine below which bare repositories may be followed, as a JSON list such as ["/srv/git"].',
    )
    poll_interval_s: float = Field(
        300.0, gt=0, description="Seconds between two looks for new commits of a repository."
    )
    fetch_timeout_s: float = Field(600.0, gt=0, description="Seconds that fetching a commit may take.")
    size_limit: int = Field(
        1 << 30, ge=1 << 16, description="Bytes that a repository may take on disk, of one commit."
    )
    ca_file: Path | None = Field(
        None,
        description="A file of certificates (PEM) of authorities that repositories' hosts are believed by besides the "
        "machine's own, such as a company's.",
    )
    git: str = Field("git", description="The program that fetches; git 2.37 or newer.")
    ssh: str = Field("ssh", description="The program that git reaches hosts with by ssh.")

    @field_validator("allow_networks")
    @classmethod
    def check_networks(cls, texts: list[str]) -> list[str]:
        for text in texts:
            ip_network(text)
        return texts

    @field_validator("local_folders")
    @classmethod
    def check_folders(cls, folders: list[Path]) -> list[Path]:
        for folder in folders:
            if not folder.is_absolute() or ".." in folder.parts:
                msg = f"sources.local_folders must be absolute paths, not {folder}"
                raise ValueError(msg)
        return folders

    def read_authorities(self) -> str:
        """The certificates of that file; empty where there is none.

        Raises: SettingInvalid: it cannot be read, or holds no certificate.
        """
        if self.ca_file is None:
            return ""
        try:
            text = self.ca_file.read_text("ascii")
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
        except (OSError, ValueError) as error:  # an SSLError is an OSError
            raise SettingInvalid(
                f"Cannot read the certificates of repositories' hosts: {error}.",
                fix="Give a file with certificates, each between BEGIN CERTIFICATE and END CERTIFICATE.",
                where="THOLOS_SOURCES__CA_FILE",
            ) from error
        return text


class OpenIdSettings(BaseModel):
    """Signing in with an account of the organization's own provider; off where there is no issuer."""

    issuer: str = Field(
        "",
        description="The OpenID Connect provider that people may sign in with, as it names itself; off where empty.",
    )
    client_id: str = Field("", description="What Tholos is registered as with the provider.")
    client_secret: SecretStr = Field(
        SecretStr(""), description="The secret of that registration; a public client needs none."
    )
    client_secret_file: Path | None = Field(None, description="A file with that secret instead.")
    name: str = Field(
        "your organization", description='What stands on the button after "Sign in with".', max_length=60
    )
    scopes: str = Field("openid profile email", description="What the provider is asked for.")
    groups_claim: str = Field(
        "",
        description="The claim that lists a person's groups, such as groups; none are taken over where empty.",
    )
    default_role: Literal["viewer", "publisher"] = Field(
        "viewer", description="The role of an account that is made at its first sign-in: viewer or publisher."
    )
    may_create: bool = Field(
        default=True, description="Whether who has no account yet gets one at the first sign-in."
    )
    allowed_domains: list[str] = Field(
        [],
        description='Mail domains that people must have, as a JSON list such as ["example.org"]; any where empty.',
    )
    administrators_group: str = Field(
        "",
        description="The group of the provider's whose members are administrators, and who else signs in by it is not.",
    )

    @model_validator(mode="after")
    def check_together(self) -> Self:
        if not self.issuer:
            return self
        issuer = urlsplit(self.issuer)
        if issuer.scheme not in {"http", "https"} or not issuer.hostname or issuer.query or issuer.fragment:
            msg = "openid.issuer must be a URL such as https://login.example.org"
            raise ValueError(msg)
        if not self.client_id:
            msg = "openid.issuer needs openid.client_id too"
            raise ValueError(msg)
        if "openid" not in self.scopes.split():
            msg = 'openid.scopes must have the scope "openid"'
            raise ValueError(msg)
        if self.administrators_group and not self.groups_claim:
            msg = "openid.administrators_group needs openid.groups_claim too"
            raise ValueError(msg)
        return self

    def read_secret(self) -> str:
        """Raises: SettingInvalid: its file cannot be read."""
        if self.client_secret_file is None:
            return self.client_secret.get_secret_value()
        try:
            return self.client_secret_file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingInvalid(
                f"Cannot read the secret of the sign-in provider: {error}.",
                where="THOLOS_OPENID__CLIENT_SECRET_FILE",
            ) from error


class ConnectSettings(BaseModel):
    """What the clients of Posit Connect may do beyond what everybody may."""

    bootstrap_key_file: Path | None = Field(
        None,
        description="A file with the Base64 of a secret of 32 bytes or more: whoever has it gets the first API key by "
        "`rsconnect bootstrap`, before anybody has signed in. Nobody does where empty.",
    )

    def read_bootstrap_key(self) -> bytes:
        """Empty where there is none.

        Raises: SettingInvalid: its file cannot be read, or holds too little.
        """
        if self.bootstrap_key_file is None:
            return b""
        try:
            key = base64.b64decode(self.bootstrap_key_file.read_text("utf-8"), validate=False)
        except (OSError, ValueError) as error:
            raise _bootstrap_key_invalid(f"Cannot read the bootstrap key: {error}.") from error
        if len(key) < _BOOTSTRAP_KEY_BYTES:
            raise _bootstrap_key_invalid(
                f"Cannot use the bootstrap key: it has {len(key)} bytes, and needs {_BOOTSTRAP_KEY_BYTES}."
            )
        return key


def _bootstrap_key_invalid(message: str) -> SettingInvalid:
    return SettingInvalid(
        message,
        fix="Make one: head --bytes 32 /dev/urandom | base64 > FILE",
        where="THOLOS_CONNECT__BOOTSTRAP_KEY_FILE",
    )


class LimitSettings(BaseModel):
    """How often somebody may do something."""

    creates_per_minute: int = Field(
        300,
        ge=1,
        le=1_000_000,
        description="Calls of the API that create something which one account may make in a minute.",
    )
    wrong_codes: int = Field(
        20,
        ge=1,
        le=1_000_000,
        description="Wrong invitation and device codes that one address may try in a quarter of an hour.",
    )


class LogSettings(BaseModel):
    """What the server writes to standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info",
        description="Entries below it are left out: debug, info, warning or error. On a terminal only warnings and errors "
        "are shown.",
    )
    format: Literal["auto", "text", "json"] = Field(
        "auto", description="text, json (an object a line), or auto: text on a terminal, json elsewhere."
    )
    access: bool = Field(
        default=False,
        description="Whether every request is an entry too, with app, release, instance and, where usage is kept with "
        "accounts, the account's id.",
    )


class MetricsSettings(BaseModel):
    """Who reads the figures at /metrics besides administrators."""

    token: SecretStr = Field(
        SecretStr(""),
        description="Who sends it as a bearer token reads /metrics; without one only administrators do, by tokens of theirs.",
    )
    token_file: Path | None = Field(None, description="A file with that token instead.")

    def read_token(self) -> str:
        """Raises: SettingInvalid: its file cannot be read."""
        if self.token_file is None:
            return self.token.get_secret_value()
        try:
            return self.token_file.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingInvalid(
                f"Cannot read the token of the metrics: {error}.", where="THOLOS_METRICS__TOKEN_FILE"
            ) from error


class UsageSettings(BaseModel):
    """What is kept of who opened which app when."""

    keep_days: int = Field(90, ge=1, le=3650, description="Days that visits of apps are kept.")
    with_accounts: bool = Field(
        default=True,
        description="Whether it is kept who it was; once switched off, it is forgotten of older visits too.",
    )


class Settings(BaseSettings):
    """One installation."""

    model_config = SettingsConfigDict(
        env_prefix="THOLOS_",
        env_nested_delimiter="__",
        frozen=True,
        hide_input_in_errors=True,  # what is wrong may stand beside a secret
    )

    data: Path = Field(Path("tholos-data"), description="The folder that everything is kept in.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    public_url: str = Field(
        "", description="How people reach the console; http://localhost:PORT where empty."
    )
    apps_domain: str = Field("", description="Apps are at NAME.<this>; the console's host where empty.")
    database_url: SecretStr = Field(
        SecretStr(""), description="postgresql+psycopg://…; a SQLite file in the data folder where empty."
    )
    administrator: str = Field(
        "admin", description="Name of the first administrator, made at the first start."
    )
    apps: AppSettings = AppSettings()
    sandbox: SandboxSettings = SandboxSettings()
    gateway: GatewaySettings = GatewaySettings()
    packages: PackageSettings = PackageSettings()
    quotas: QuotaSettings = QuotaSettings()
    mail: MailSettings = MailSettings()
    notifications: NotificationSettings = NotificationSettings()
    sources: SourceSettings = SourceSettings()
    limits: LimitSettings = LimitSettings()
    openid: OpenIdSettings = OpenIdSettings()
    connect: ConnectSettings = ConnectSettings()
    usage: UsageSettings = UsageSettings()
    metrics: MetricsSettings = MetricsSettings()
    log: LogSettings = LogSettings()

    @classmethod
    def read(cls, data: Path, host: str, port: int) -> Settings:
        """From the environment and what the command line says.

        Raises: SettingInvalid.
        """
        try:
            return cls(data=data, host=host, port=port)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            name = "THOLOS_" + "__".join(str(part) for part in first["loc"] if isinstance(part, str)).upper()
            raise SettingInvalid(
                f"Cannot start: {first['msg'].removeprefix('Value error, ')}.", where=name
            ) from error

    def check_https(self, *, has_proxy: bool) -> None:
        """Raises: SettingInvalid: nobody would be reached by https as the settings want it."""
        if self.gateway.tls_cert is None or self.gateway.tls_key is None:
            return
        for file, name in ((self.gateway.tls_cert, "TLS_CERT"), (self.gateway.tls_key, "TLS_KEY")):
            if not os.access(file, os.R_OK):
                raise SettingInvalid(f"Cannot read {file}.", where=f"THOLOS_GATEWAY__{name}")
        if not has_proxy:
            raise SettingInvalid(
                "Cannot serve https: there is no Envoy.",
                fix='pip install "tholos[gateway]", or put envoy on PATH',
                where="THOLOS_GATEWAY__TLS_CERT",
            )
        if not self.public_url.startswith("https:"):
            raise SettingInvalid(
                "Cannot serve https: the address that people reach is not said.",
                fix="Set it, such as https://tholos.example.org",
                where="THOLOS_PUBLIC_URL",
            )

    def console_url(self, port: int) -> str:
        """The console's origin, for the port that is really listened on."""
        return _origin(self.public_url.rstrip("/") or f"http://localhost:{port}")

    def app_url(self, port: int) -> str:
        """An app's address with ``{name}`` in it."""
        if self.apps.are_one_origin:
            return f"{self.console_url(port)}/app/{{name}}"
        console = urlsplit(self.console_url(port))
        domain = self.apps_domain.lower() or console.hostname or "localhost"
        suffix = f":{console.port}" if console.port else ""
        return f"{console.scheme}://{{name}}.{domain}{suffix}"

    def console_hosts(self, port: int) -> frozenset[str]:
        """The Host headers that mean the console."""
        own = urlsplit(self.console_url(port)).netloc
        local = (f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}")
        return frozenset({own, *local, *(urlsplit(_origin(f"http://{host}")).netloc for host in local)})


def _origin(url: str) -> str:
    """A URL as browsers name its origin: in lower case, without the port that its scheme has anyway (RFC 6454, 6.2)."""
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    host = parts.netloc.lower()
    return parts._replace(netloc=host.removesuffix(f":{default}")).geturl()
