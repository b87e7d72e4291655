"""Which hosts and ports may be connected to; no socket is ever made here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from webmail.errors import ProviderError
from webmail.providers import network


@pytest.fixture(autouse=True)
def strict() -> Iterator[None]:
    network.configure(allow_private_hosts=False, ca_file=None)
    yield
    network.configure(allow_private_hosts=False, ca_file=None)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254",
        "168.63.129.16", "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1", "100.100.100.200",
        "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1", "2002:7f00:1::", "2002:808:808::", "2001:0:808:808::1", "2001:db8::1", "fe80::1",
        "fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "100::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    assert not network.is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2a00:1450:4001:81b::200e", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_that_are_public(address: str) -> None:
    assert network.is_public(address)


def refusal(host: str, port: int = 993) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        network.open_socket(host, port, 1, side="imap")
    return caught.value


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "0x7f.0.0.1", "0x7f000001", "017700000001", "2130706433", "0177.0.0.01", "127.0.0.1.",
        " 127.0.0.1 ", "[::1]", "::1", "[::ffff:127.0.0.1]", "①②⑦.0.0.1", "localhost", "10.1", "0",
    ],
)  # fmt: skip
def test_every_spelling_of_a_private_host_is_refused(host: str) -> None:
    assert refusal(host).cause == "host_refused_private"


def test_refusals_of_hosts_read_alike() -> None:
    first, second = refusal("10.0.0.1", 993), refusal("127.0.0.1", 143)

    assert first.user_message.replace("10.0.0.1", "X") == second.user_message.replace("127.0.0.1", "X")
    assert first.next_step == second.next_step and first.server_answer == second.server_answer == ""


def test_one_private_address_among_public_ones_refuses_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = [(2, 1, 6, "", ("8.8.8.8", 993)), (2, 1, 6, "", ("10.0.0.1", 993))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: answer)

    assert refusal("rebind.example").cause == "host_refused_private"


def test_the_name_is_resolved_once_and_the_checked_address_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [[(2, 1, 6, "", ("8.8.8.8", 993))], [(2, 1, 6, "", ("127.0.0.1", 993))]]
    tried: list[tuple[str, int]] = []

    class Socket:
        def __init__(self, *_: object) -> None:
            self.timeouts: list[float] = []

        def settimeout(self, timeout_s: float) -> None:
            self.timeouts.append(timeout_s)

        def setsockopt(self, *_: object) -> None: ...

        def connect(self, address: tuple[str, int]) -> None:
            tried.append(address)

    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: answers.pop(0))
    monkeypatch.setattr("socket.socket", Socket)

    network.open_socket("changing.example", 993, 5, side="imap")

    assert tried == [("8.8.8.8", 993)]
    assert len(answers) == 1


@pytest.mark.parametrize("port", [22, 80, 110, 443, 6379, 8080])
def test_other_ports_are_refused_before_the_name_is_looked_up(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: pytest.fail("looked up"))

    assert refusal("imap.example.com", port).cause == "port_refused"


@pytest.mark.parametrize(
    "host", ["", " ", "a b", "a\r\nb", "http://x/", "user@host", "x" * 300, "nowhere.invalid", "oneword", "-", "a..b"]
)
def test_names_that_lead_nowhere(host: str) -> None:
    assert refusal(host).cause in ("host_not_found", "dns_failed")


def test_the_name_for_the_certificate_is_what_was_typed() -> None:
    assert network.server_name(" imap.example.com. ") == "imap.example.com"
    assert network.server_name("[::1]") == "::1"
