"""An address tells where its mail is kept: by MX, by SRV, by an autoconfig file, within a few seconds or not at all."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from tests.conftest import JobRunner
from tests.servers.dns import DnsServer
from tests.servers.identity import Quiet
from tests.servers.jobs import waiting_jobs
from webmail.actions import discovery as actions
from webmail.config import Config
from webmail.providers import discovery, network
from webmail.providers.discovery import Found, Server, discover
from webmail.store.scope import Scope

pytestmark = pytest.mark.integration

FILE = """<?xml version="1.0"?>
<clientConfig version="1.1"><emailProvider id="acme.example">
  <incomingServer type="pop3"><hostname>pop.acme.example</hostname><port>995</port>
    <socketType>SSL</socketType></incomingServer>
  <incomingServer type="imap"><hostname>plain.acme.example</hostname><port>143</port>
    <socketType>plain</socketType></incomingServer>
  <incomingServer type="imap"><hostname>imap.%EMAILDOMAIN%</hostname><port>993</port><socketType>SSL</socketType>
    <username>%EMAILLOCALPART%</username></incomingServer>
  <outgoingServer type="smtp"><hostname>smtp.acme.example</hostname><port>587</port><socketType>STARTTLS</socketType>
    <username>%EMAILADDRESS%</username></outgoingServer>
</emailProvider></clientConfig>"""


@pytest.fixture
def dns() -> Iterator[DnsServer]:
    server = DnsServer()
    discovery.configure(nameserver=server.address, web_port=1)
    yield server
    discovery.configure(nameserver=None)
    server.stop()


class Website:
    """Serves one autoconfig file over TLS, as `localhost`; anything else is 404."""

    def __init__(self, certificates: Path) -> None:
        self.body = FILE
        self.asked: list[str] = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates / "localhost.pem")
        self._http = make_server(
            "127.0.0.1", 0, self._answer, threaded=True, ssl_context=context, request_handler=Quiet
        )
        self.port = self._http.server_port
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def _answer(self, environ, start_response):
        path = environ["PATH_INFO"] + ("?" + environ["QUERY_STRING"] if environ["QUERY_STRING"] else "")
        self.asked.append(path)
        known = path == "/.well-known/autoconfig/mail/config-v1.1.xml"
        return Response(self.body if known else "", 200 if known else 404)(environ, start_response)

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def website(certificates: Path, dns: DnsServer) -> Iterator[Website]:
    site = Website(certificates)
    discovery.configure(nameserver=dns.address, web_port=site.port)
    network.configure(allow_private_hosts=True, ca_file=str(certificates / "ca.pem"))
    yield site
    network.configure(allow_private_hosts=False, ca_file=None)
    site.stop()


@pytest.mark.parametrize(
    ("exchanger", "provider"),
    [
        ("10 aspmx.l.google.com.", "google_workspace"),
        ("0 acme-example.mail.protection.outlook.com.", "microsoft365"),
        ("5 ALT2.ASPMX.L.GOOGLE.COM.", "google_workspace"),
    ],
)
def test_the_mx_tells_of_google_and_microsoft(dns: DnsServer, exchanger: str, provider: str) -> None:
    dns.records[("acme.example", "MX")] = [exchanger]

    assert discover("acme.example") == Found(provider=provider, source="mx")


def test_srv_records_name_the_servers(dns: DnsServer) -> None:
    dns.records[("acme.example", "MX")] = ["10 mx.acme.example."]
    dns.records[("_imaps._tcp.acme.example", "SRV")] = ["20 1 993 second.acme.example.", "10 1 993 imap.acme.example."]
    dns.records[("_submissions._tcp.acme.example", "SRV")] = ["0 0 0 ."]
    dns.records[("_submission._tcp.acme.example", "SRV")] = ["0 1 587 smtp.acme.example."]

    found = discover("acme.example")

    assert found == Found(
        "", Server("imap.acme.example", 993, "tls"), Server("smtp.acme.example", 587, "starttls"), "srv"
    )


def test_srv_records_that_name_microsoft_lead_to_its_card(dns: DnsServer) -> None:
    dns.records[("_imaps._tcp.acme.example", "SRV")] = ["0 1 993 outlook.office365.com."]

    found = discover("acme.example")

    assert found is not None
    assert found.provider == "microsoft365"


def test_the_autoconfig_file_is_read_without_telling_the_address(website: Website) -> None:
    found = discover("localhost")

    assert found == Found(
        "",
        Server("imap.localhost", 993, "tls", "local_part"),
        Server("smtp.acme.example", 587, "starttls", "full_email"),
        "autoconfig",
    )
    assert website.asked == ["/.well-known/autoconfig/mail/config-v1.1.xml"]


@pytest.mark.parametrize(
    "body", ["", "<html>", "<a/>", "x" * 70_000, '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>']
)
def test_a_file_that_makes_no_sense_is_no_file(website: Website, body: str) -> None:
    website.body = body

    assert discover("localhost") is None


def test_a_file_on_a_private_host_is_not_fetched(website: Website) -> None:
    network.configure(allow_private_hosts=False, ca_file=None)

    assert discover("localhost") is None
    assert website.asked == []


def test_a_slow_dns_server_costs_no_more_than_the_limit(dns: DnsServer) -> None:
    dns.delay_s = 30
    began = time.monotonic()

    assert discover("acme.example", limit_s=1.0) is None
    assert time.monotonic() - began < 3


def test_a_domain_that_is_not_there_is_nothing(dns: DnsServer) -> None:
    assert discover("nowhere.example") is None


def test_a_lookup_runs_in_the_background_once_for_everybody(
    dns: DnsServer, user: Scope, run_jobs: JobRunner, database: Config
) -> None:
    dns.records[("acme.example", "MX")] = ["0 acme-example.mail.protection.outlook.com."]

    began = [actions.begin(user, "ines@acme.example"), actions.begin(user, "otto@acme.example")]
    jobs = waiting_jobs()
    before = actions.look("ines@acme.example")
    run_jobs()

    assert began == [True, True]
    assert len(jobs) == 1
    assert not before.is_over
    assert actions.look("mia@ACME.example").provider == "microsoft365"
    assert actions.begin(user, "mia@acme.example") is False


def test_what_was_found_fills_the_form(dns: DnsServer, user: Scope, run_jobs: JobRunner, database: Config) -> None:
    dns.records[("_imaps._tcp.acme.example", "SRV")] = ["0 1 993 imap.acme.example."]
    dns.records[("_submissions._tcp.acme.example", "SRV")] = ["0 1 465 smtp.acme.example."]

    actions.begin(user, "ines@acme.example")
    run_jobs()

    filled = actions.look("ines@acme.example").filled
    assert filled is not None
    assert (filled["imap_host"], filled["imap_port"]) == ("imap.acme.example", "993")
    assert (filled["smtp_host"], filled["smtp_port"]) == ("smtp.acme.example", "465")


@pytest.mark.parametrize("email", ["", "ines", "ines@", "ines@acme", "@acme.example", "ines@gmail.com"])
def test_nobody_is_asked_for_half_an_address_or_a_known_domain(
    dns: DnsServer, user: Scope, database: Config, email: str
) -> None:
    assert actions.begin(user, email) is False
    assert waiting_jobs() == []


def test_nobody_can_have_the_whole_world_looked_up(dns: DnsServer, user: Scope, database: Config) -> None:
    assert not all(actions.begin(user, f"a@d{number}.example") for number in range(40))
