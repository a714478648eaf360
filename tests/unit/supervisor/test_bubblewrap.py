from tholos_supervisor import bubblewrap
from tholos_supervisor.sandbox import Mount, Sandbox

APP = Sandbox(
    uid=7, home="/d/apps/a/data", bubblewrap="/usr/bin/bwrap", tmp=1000,
    mounts=(Mount("/d/apps/a/src/kept", "write"), Mount("/d/apps/a/src", "read")),
)  # fmt: skip


def pairs(words, option):
    return [tuple(words[at + 1 : at + 3]) for at, word in enumerate(words) if word == option]


def test_outer_folders_are_shown_before_what_lies_in_them():
    words = bubblewrap.arguments(APP, "/d/apps/a/src", {}, ["/mnt/0", "/mnt/1"], None)
    outer = words.index("/mnt/1")
    inner = words.index("/mnt/0")
    assert outer < inner
    assert words[outer - 1 : outer + 2] == ["--ro-bind", "/mnt/1", "/d/apps/a/src"]
    assert words[inner - 1 : inner + 2] == ["--bind", "/mnt/0", "/d/apps/a/src/kept"]


def test_nothing_of_the_outer_environment_is_inherited():
    words = bubblewrap.arguments(APP, "/", {"KEY": "x", "LD_PRELOAD": "/evil.so"}, ["/a", "/b"], None)
    cleared = words.index("--clearenv")
    assert pairs(words, "--setenv") == [("KEY", "x"), ("LD_PRELOAD", "/evil.so")]
    assert cleared < words.index("--setenv")


def test_a_network_of_its_own_where_it_may_use_none():
    some = bubblewrap.arguments(APP, "/", {}, ["/a", "/b"], None)
    none = bubblewrap.arguments(APP._replace(network=False), "/", {}, ["/a", "/b"], None)
    assert ("--unshare-net" in some, "--unshare-net" in none) == (False, True)


def test_a_user_of_its_own_has_a_name():
    words = bubblewrap.arguments(APP, "/", {}, ["/a", "/b"], 5)
    assert pairs(words, "--ro-bind-data") == [("5", "/etc/passwd")]
    assert ("/etc/passwd", "/etc/passwd") not in pairs(words, "--ro-bind-try")
    assert "app:x:7:7::/d/apps/a/data:/bin/sh\n" in bubblewrap.passwd(APP)
