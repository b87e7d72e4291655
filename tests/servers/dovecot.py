"""A real Dovecot for tests: its own folder, free ports on loopback, LMTP for delivery.

Any address is a mailbox here, with the server's one password: mailboxes need no making, and a test that runs beside
others takes a fresh name. Runs as root without systemd, under a short temporary path (socket names are limited to 108
characters), and ends with the test process.
"""

from __future__ import annotations

import os
import shutil
import smtplib
import subprocess
import tempfile
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from uuid import uuid4

import imapclient

from tests.servers.certificates import TestAuthority
from tests.servers.ports import free_port
from tests.servers.tied import TiedProcess

ROLES = ("Drafts", "Sent", "Trash", "Archive", "Junk")
_RENUMBERED = count()
ODD_PASSWORDS = ('quo"te \\ sp ace', "pässwörd", "{7}%s(*")
SIMPLE = "IMAP4rev1 LITERAL+ NAMESPACE"
"""The capabilities of a server without MOVE, UIDPLUS, CONDSTORE and IDLE."""


@dataclass(frozen=True)
class Mailbox:
    """A fresh mailbox and where it can be reached."""

    email: str
    password: str
    host: str
    plain_port: int
    tls_port: int


class Dovecot:
    """One server.

    Args:
        capability: overrides what it offers after sign-in (to behave like a simpler one).
        introspection_url: where it asks whose an access token is; "" for passwords only.
    """

    def __init__(self, authority: TestAuthority, *, capability: str = "", introspection_url: str = "") -> None:
        if shutil.which("dovecot") is None:
            raise RuntimeError("dovecot is missing: run tools/install_test_needs.sh as root")
        self.folder = Path(tempfile.mkdtemp(prefix="wm-dc-"))
        self.folder.chmod(0o755)
        self.host = "localhost"
        self.password = f"pw-{uuid4().hex[:12]}"
        self.plain_port, self.tls_port, self.lmtp_port = free_port(), free_port(), free_port()
        certificate, key = authority.issue("localhost")
        (self.folder / "cert.pem").write_bytes(certificate)
        (self.folder / "key.pem").write_bytes(key)
        self.odd = [self._mailbox(f"odd-{number}@test.example", each) for number, each in enumerate(ODD_PASSWORDS)]
        (self.folder / "users").write_text(
            "".join(f"{each.email}:{{PLAIN}}{each.password}::::::\n" for each in self.odd)
        )
        (self.folder / "mail").mkdir()
        shutil.chown(self.folder / "mail", 5000, 5000)
        config = self.folder / "dovecot.conf"
        config.write_text(self._config(capability) + (self._tokens(introspection_url) if introspection_url else ""))
        self._process = TiedProcess(["dovecot", "-F", "-c", str(config)], self.folder / "start.log")
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                imapclient.IMAPClient(self.host, self.plain_port, ssl=False, timeout=2).logout()
                return
            except OSError:
                time.sleep(0.05)
        log = self.folder / "log"
        raise RuntimeError(self._process.log_tail() + (log.read_text()[-2000:] if log.exists() else ""))

    def _config(self, capability: str) -> str:
        template = _CONFIG_24 if dovecot_version().startswith("2.4") else _CONFIG_23
        mailboxes = "\n".join(
            f"  mailbox {name} {{\n    auto = subscribe\n    special_use = \\{name}\n  }}" for name in ROLES
        )
        return template.format(
            folder=self.folder,
            plain=self.plain_port,
            tls=self.tls_port,
            lmtp=self.lmtp_port,
            password=self.password,
            mailboxes=mailboxes,
            capability=f"imap_capability = {capability}" if capability else "",
        )

    def _tokens(self, introspection_url: str) -> str:
        (self.folder / "oauth2.conf.ext").write_text(_OAUTH2_CONFIG.format(url=introspection_url))
        template = _TOKENS_24 if dovecot_version().startswith("2.4") else _TOKENS_23
        return template.format(folder=self.folder, url=introspection_url)

    def account(self, name: str = "recruiter") -> Mailbox:
        """Give a fresh mailbox."""
        return self._mailbox(f"{name}-{uuid4().hex[:10]}@test.example", self.password)

    def _mailbox(self, email: str, password: str) -> Mailbox:
        return Mailbox(email, password, self.host, self.plain_port, self.tls_port)

    def deliver(self, email: str, raw: bytes, *, sender: str = "somebody@elsewhere.example") -> None:
        """Deliver a mail into the inbox by LMTP, as a mail server does."""
        # Without a name smtplib asks the DNS for this machine's, which takes seconds where there is none.
        with smtplib.LMTP("127.0.0.1", self.lmtp_port, local_hostname="localhost") as lmtp:
            lmtp.sendmail(sender, [email], raw)

    def open(self, mailbox: Mailbox) -> imapclient.IMAPClient:
        """Sign in as the mailbox's own mail client would."""
        client = imapclient.IMAPClient(self.host, self.plain_port, ssl=False, timeout=30)
        client.login(mailbox.email, mailbox.password)
        return client

    def seed(self, mailbox: Mailbox, folder: str, mails: list[bytes], *, seen: bool = False) -> None:
        """Put many mails into a folder at once, by writing Maildir files."""
        path = self.path_of(mailbox, folder)
        self.open(mailbox).logout()
        for each in ("cur", "new", "tmp"):
            (path / each).mkdir(parents=True, exist_ok=True)
        # An hour ago, a second apart: INTERNALDATE is the file's time.
        now = time.time() - 3600
        for number, raw in enumerate(mails):
            name = f"{now - len(mails) + number:.6f}.M{number}P1.test"
            file = path / "cur" / f"{name}:2,{'S' if seen else ''}"
            file.write_bytes(raw)
            os.utime(file, (now - len(mails) + number,) * 2)
        subprocess.run(["chown", "-R", "5000:5000", str(self.folder / "mail" / mailbox.email)], check=True)

    def messages(self, mailbox: Mailbox, folder: str = "INBOX") -> list[tuple[bytes, frozenset[str]]]:
        """Give all mails of a folder with their flags, ascending by UID."""
        with self.open(mailbox) as client:
            client.select_folder(folder, readonly=True)
            uids = client.search(["ALL"])
            answer = client.fetch(uids, ["FLAGS", "BODY.PEEK[]"]) if uids else {}
        return [
            (answer[uid][b"BODY[]"], frozenset(flag.decode() for flag in answer[uid][b"FLAGS"]))
            for uid in sorted(answer)
        ]

    def renumber(self, mailbox: Mailbox, folder: str = "INBOX") -> None:
        """Give a folder a new UIDVALIDITY, and its mails new UIDs."""
        path = self.path_of(mailbox, folder)
        for each in (*path.glob("dovecot.index*"), path / "dovecot-uidlist"):
            each.unlink(missing_ok=True)
        for each in (path.parent / "Maildir").glob("dovecot-uidvalidity*"):
            each.unlink()
        # UIDVALIDITY is made of the time in seconds; two of one second would be the same.
        (path / "dovecot-uidlist").write_text(
            f"3 V{int(time.time()) + 1000 + next(_RENUMBERED)} N1000 G{uuid4().hex}\n"
        )
        shutil.chown(path / "dovecot-uidlist", 5000, 5000)

    def path_of(self, mailbox: Mailbox, folder: str) -> Path:
        """Give the Maildir of a folder."""
        base = self.folder / "mail" / mailbox.email / "Maildir"
        return base if folder.upper() == "INBOX" else base / f".{folder}"

    def doveadm(self, *arguments: str) -> str:
        """Run doveadm against this server."""
        command = ["doveadm", "-c", str(self.folder / "dovecot.conf"), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def stop(self) -> None:
        """End the server and remove its folder."""
        self._process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def dovecot_version() -> str:
    """Give the version that is installed, such as 2.3.19."""
    return subprocess.run(["dovecot", "--version"], capture_output=True, text=True, check=True).stdout


_OAUTH2_CONFIG = """
introspection_url = {url}
introspection_mode = post
username_attribute = email
active_attribute = active
active_value = true
"""

_TOKENS_23 = """
auth_mechanisms = plain login xoauth2 oauthbearer
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/oauth2.conf.ext
}}
"""

_TOKENS_24 = """
auth_mechanisms = plain login xoauth2 oauthbearer
oauth2 {{
  introspection_url = {url}
  introspection_mode = post
  username_attribute = email
  active_attribute = active
  active_value = true
}}
passdb oauth2 {{
  mechanisms_filter = xoauth2 oauthbearer
}}
"""

_CONFIG_23 = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap lmtp
listen = 127.0.0.1, ::1
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
mail_location = maildir:{folder}/mail/%u/Maildir
mail_fsync = never
mail_uid = 5000
mail_gid = 5000
first_valid_uid = 5000
default_process_limit = 300
maildir_very_dirty_syncs = no
{capability}
passdb {{
  driver = passwd-file
  mechanisms = plain login
  args = scheme=PLAIN username_format=%u {folder}/users
}}
passdb {{
  driver = static
  mechanisms = plain login
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=5000 gid=5000 home={folder}/mail/%u allow_all_users=yes
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {plain}
  }}
  inet_listener imaps {{
    port = {tls}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
protocol imap {{
  mail_max_userip_connections = 100
}}
namespace inbox {{
  inbox = yes
  separator = /
{mailboxes}
}}
"""

_CONFIG_24 = """
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap lmtp
listen = 127.0.0.1, ::1
ssl = yes
ssl_server_cert_file = {folder}/cert.pem
ssl_server_key_file = {folder}/key.pem
auth_allow_cleartext = yes
auth_mechanisms = plain login
auth_failure_delay = 0
mail_driver = maildir
mail_path = {folder}/mail/%{{user}}/Maildir
mail_home = {folder}/mail/%{{user}}
mail_fsync = never
mail_uid = 5000
mail_gid = 5000
first_valid_uid = 5000
{capability}
passdb passwd-file {{
  mechanisms_filter = plain login
  passwd_file_path = {folder}/users
  default_password_scheme = PLAIN
}}
passdb static {{
  mechanisms_filter = plain login
  password = {password}
}}
userdb static {{
  fields {{
    uid = 5000
    gid = 5000
    home = {folder}/mail/%{{user}}
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {plain}
  }}
  inet_listener imaps {{
    port = {tls}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    listen = 127.0.0.1
    port = {lmtp}
  }}
}}
protocol imap {{
  mail_max_userip_connections = 100
}}
namespace inbox {{
  inbox = yes
  separator = /
{mailboxes}
}}
"""
