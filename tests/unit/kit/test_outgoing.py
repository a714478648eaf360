"""Which addresses may be sent to, as far as an address tells by itself."""

import ipaddress
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.kit.outgoing import AddressRefused, check_address, check_url, read_networks

INWARD = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "168.63.129.16",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1",
    "100::1", "2001:db8::1", "2002:7f00:1::", "2002:a00:1::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0",
    "fec0::1", "ff02::1",
]  # fmt: skip
OUTWARD = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
URLS = [
    "", "x", "hooks.example.org", "//hooks.example.org/x", "ftp://example.org/", "file:///etc/passwd", "javascript:alert(1)",
    "http://", "http:///x", "https://name:secret@example.org/", "http://exa mple.org/", "http://example.org/\r\nX: y",
    "http://[fe80::1%25eth0]/", "http://[::1]:8080/", "http://127.0.0.1:9/", "http://[::ffff:169.254.169.254]/latest",
    "http://example.org:99999/", "http://[1::2::3]/", "http://example.org/" + "x" * 2000,
]  # fmt: skip


@pytest.mark.parametrize("text", INWARD)
def test_what_leads_inwards_is_refused(text):
    with pytest.raises(AddressRefused, match="own network"):
        check_address(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", OUTWARD)
def test_what_leads_outwards_is_taken(text):
    check_address(ipaddress.ip_address(text))


@given(st.ip_addresses(v=4))
def test_no_way_of_writing_an_address_changes_the_answer(address):
    """Mapped and translated IPv6 mean the IPv4 address that is in them."""

    def is_refused(one) -> bool:
        try:
            check_address(ipaddress.ip_address(one))
        except AddressRefused:
            return True
        return False

    plain = is_refused(address)
    assert is_refused(f"::ffff:{address}") == plain
    assert is_refused(f"64:ff9b::{address}") == plain
    assert is_refused(f"::{address}")


def test_an_operator_may_allow_networks():
    allowed = read_networks(["10.0.0.0/8", " fd00::/8 ", ""])
    check_address(ipaddress.ip_address("10.1.2.3"), allowed)
    check_address(ipaddress.ip_address("::ffff:10.1.2.3"), allowed)
    check_address(ipaddress.ip_address("fd00::5"), allowed)
    with pytest.raises(AddressRefused):
        check_address(ipaddress.ip_address("127.0.0.1"), allowed)
    with pytest.raises(ValueError, match="host bits"):
        read_networks(["10.0.0.1/8"])


@pytest.mark.parametrize("url", URLS)
def test_what_is_no_address_to_send_to_is_refused(url):
    with pytest.raises(AddressRefused) as caught:
        check_url(url)
    assert caught.value.where == "url"
    assert caught.value.fix


@pytest.mark.parametrize("url", ["https://xn--a/", "https://xn--/", "https://xn--ls8h.example/"])
def test_a_label_that_is_no_punycode_is_refused(url):
    with pytest.raises(AddressRefused):
        check_url(url)


@given(st.sampled_from(["", "https://", "https://xn--", "http://a@"]), st.text(max_size=30))
def test_any_text_is_an_address_or_refused(begin, text):
    with suppress(AddressRefused):
        assert check_url(begin + text).host


def test_addresses_are_read_as_they_are_used():
    assert check_url("https://Hooks.Example.org:8443/a?b=c").host == "hooks.example.org"
    assert check_url("https://bücher.example/").raw_host == b"xn--bcher-kva.example"
    assert check_url("http://127.0.0.1:1/", read_networks(["127.0.0.0/8"])).port == 1
