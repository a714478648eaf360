import base64
from urllib.parse import urljoin, urlsplit

from hypothesis import example, given
from hypothesis import strategies as st

from tholos.access.transactions import AT_MOST, KEPT_PATH_AT_MOST, Transactions, _kept_path, _read_kept
from tholos.accounts.service import hash_secret

HERE = "http://app.localhost:8080/.tholos/callback"


def _pack(path: str) -> str:
    return base64.urlsafe_b64encode(path.encode()).decode()


def _stays_here(path):
    # Browsers drop tabs and line ends and take \ for / (WHATWG URL 4.4); what stays must be a path of this host.
    cleaned = (
        path.replace("\\", "/")
        .translate(dict.fromkeys(map(ord, "\t\r\n")))
        .strip("".join(map(chr, range(33))))
    )
    return urlsplit(urljoin(HERE, cleaned)).netloc == urlsplit(HERE).netloc


@given(st.one_of(st.text(), st.text("/\\.:@evil \t\r\n\0?#%")).map(lambda path: path))
@example("//evil.example/")
@example("/\\evil.example/")
@example("/\t/evil.example/")
@example("\\\\evil.example")
@example("http://evil.example/")
@example("javascript:alert(1)")
@example(" //evil.example")
@example("/ok\r\nset-cookie: a=b")
def test_nobody_is_led_to_another_host(path):
    found = _read_kept(_pack(path))
    assert found.startswith("/")
    assert _stays_here(found)
    assert not set(found) & set("\r\n\0\t\\ ")
    found.encode("ascii")


@given(st.text(st.characters(codec="latin-1")))
def test_any_cookie_can_be_read(kept):
    assert _stays_here(_read_kept(kept))


@given(st.from_regex(r"/[a-z0-9._~-]{1,20}(/[a-z]{1,5})*(\?[a-z=&%0-9]{0,20})?", fullmatch=True))
def test_a_path_of_this_host_is_returned_to(path):
    assert _read_kept(_pack(_kept_path(path))) == path


def test_a_path_that_no_cookie_holds_is_forgotten():
    assert _kept_path("/" + "x" * KEPT_PATH_AT_MOST) == "/"


def test_two_tabs_do_not_disturb_each_other():
    kept = Transactions("tholos_txn")
    began = [kept.begin(path) for path in ("/one", "/two")]
    cookies = {name: value for _, name, value in began}
    assert len(cookies) == 2
    for (digest, name, _), path in zip(began, ("/one", "/two"), strict=True):
        found, secret, back = kept.find(cookies, digest)
        assert (found, hash_secret(secret), back) == (name, digest, path)


def test_what_is_not_there_is_not_found():
    kept = Transactions("tholos_txn")
    digest, _, _ = kept.begin("/")
    for unknown in ("", "x", "../", digest[:8], digest.upper() + "x"):
        assert kept.find({"tholos_txn": "a.b", "tholos_txn_": "a.b"}, unknown)[1] == ""
    assert kept.find({}, digest)[1:] == ("", "")


def test_only_a_handful_is_kept_and_the_oldest_go():
    kept = Transactions("tholos_txn")
    names = [f"tholos_txn_{number:08x}" for number in range(AT_MOST + 2)]
    assert kept.surplus(dict.fromkeys([*names, "other"], "x")) == names[:3]
    assert kept.surplus(dict.fromkeys(names[: AT_MOST - 1], "x")) == []


def test_all_of_a_request_are_named_whatever_separates_them():
    kept = Transactions("__Host-tholos_txn")
    header = b"a=1,__Host-tholos_txn_0123abcd=x; __Host-tholos_txn_ffffffff =y;\t__Host-tholos_txn_g=z"
    found = kept.names_in([(b"cookie", header), (b"x", b"__Host-tholos_txn_11111111=x")])
    assert found == {b"__Host-tholos_txn_0123abcd", b"__Host-tholos_txn_ffffffff"}
