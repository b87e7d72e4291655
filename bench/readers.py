"""The others that read a mailbox, each as a process of its own: what they are told, and what they took."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.servers.dovecot import Dovecot, Mailbox

_LOGGED_OUT = re.compile(r"imap\((?P<user>[^)]+)\).*?in=(?P<sent>\d+) out=(?P<received>\d+)")
_RAW = """
import socket, sys
host, port, user, password = sys.argv[1:]
line = socket.create_connection((host, int(port)))
buffer = bytearray(1 << 20)
def ask(tag, words):
    line.sendall(tag + b" " + words + b"\\r\\n")
    tail = b""
    while b"\\r\\n" + tag + b" OK" not in tail and not tail.startswith(tag + b" OK"):
        got = line.recv_into(buffer)
        if not got:
            raise SystemExit("the line ended")
        tail = (tail + bytes(buffer[max(0, got - 4000):got]))[-4000:]
line.recv_into(buffer)
ask(b"a", b"LOGIN " + user.encode() + b" " + password.encode())
for name in (b"INBOX", b"Sent"):
    ask(b"b", b"EXAMINE " + name)
    ask(b"c", b"UID FETCH 1:* BODY.PEEK[]")
ask(b"d", b"LOGOUT")
"""
_IMAPCLIENT = """
import sys
from imapclient import IMAPClient
host, port, user, password = sys.argv[1:]
with IMAPClient(host, int(port), ssl=False) as client:
    client.login(user, password)
    for name in ("INBOX", "Sent"):
        client.select_folder(name, readonly=True)
        uids = client.search("ALL")
        for start in range(0, len(uids), 200):
            client.fetch(uids[start:start + 200], ["FLAGS", "BODY.PEEK[]"])
"""
_MBSYNC = """
IMAPAccount bench
Host {host}
Port {port}
User {user}
Pass {password}
SSLType None
AuthMechs LOGIN

IMAPStore there
Account bench

MaildirStore here
Path {folder}/mail/
Inbox {folder}/mail/INBOX
SubFolders Verbatim

Channel all
Far :there:
Near :here:
Patterns INBOX Sent
Create Near
Sync Pull
SyncState *
"""
_OFFLINEIMAP = """
[general]
accounts = bench
metadata = {folder}/meta
ui = quiet
[Account bench]
localrepository = here
remoterepository = there
[Repository here]
type = Maildir
localfolders = {folder}/mail
[Repository there]
type = IMAP
remotehost = {host}
remoteport = {port}
remoteuser = {user}
remotepass = {password}
ssl = no
starttls = no
auth_mechanisms = LOGIN
folderfilter = lambda name: name in ("INBOX", "Sent")
"""


@dataclass(frozen=True)
class Taken:
    """What a process took: seconds on the clock, seconds computed, the most memory, its output."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    output: str
    status: int


def measure(command: list[str]) -> Taken:
    """Run a command to its end."""
    started = time.monotonic()
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    return Taken(
        time.monotonic() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, output, process.returncode
    )


def commands(box: Mailbox, port: int, folder: Path) -> dict[str, list[str]]:
    """Give how each reader is started for a mailbox; what it keeps goes into `folder`."""
    told = {"host": "127.0.0.1", "port": port, "user": box.email, "password": box.password, "folder": folder}
    (folder / "mail").mkdir(parents=True)
    (folder / "mbsyncrc").write_text(_MBSYNC.format(**told))
    (folder / "offlineimaprc").write_text(_OFFLINEIMAP.format(**told))
    told_briefly = [str(told[each]) for each in ("host", "port", "user", "password")]
    return {
        "raw": [sys.executable, "-c", _RAW, *told_briefly],
        "imapclient": [sys.executable, "-c", _IMAPCLIENT, *told_briefly],
        "mbsync": ["mbsync", "-q", "-c", str(folder / "mbsyncrc"), "all"],
        "offlineimap": ["offlineimap", "-c", str(folder / "offlineimaprc"), "-o"],
    }


def traffic(server: Dovecot, user: str) -> tuple[int, int]:
    """Give the bytes that went to the server and came from it in a user's sessions that have ended."""
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        log = (server.folder / "log").read_text(errors="replace")
        found = [each for each in _LOGGED_OUT.finditer(log) if each["user"] == user]
        if found:
            return sum(int(each["sent"]) for each in found), sum(int(each["received"]) for each in found)
        time.sleep(0.1)
    return 0, 0
