"""What Gmail adds to IMAP, in front of Dovecot: X-GM-EXT-1 with message and conversation ids and labels.

Everything else goes through as it is. As at Gmail a mail has one id in all its folders, conversations follow References
and Subject, and a move to All Mail only takes the inbox away, because a mail lies there from the beginning.
"""

from __future__ import annotations

import hashlib
import re
import socket
import threading
from email import message_from_bytes

from tests.servers.dovecot import Dovecot, Mailbox
from tests.servers.ports import free_port

ALL_MAIL = "[Gmail]/All Mail"
_ITEM = re.compile(rb"\s?X-GM-(?:MSGID|THRID|LABELS)")
_LITERAL = re.compile(rb"\{(\d+)\+?\}\r\n$")


class GmailProxy:
    """Listens in plain on `port`; mails are put into a mailbox by `deliver()`, which puts them into All Mail too."""

    def __init__(self, dovecot: Dovecot) -> None:
        self.dovecot, self.port = dovecot, free_port()
        self._socket = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def mailbox(self, name: str = "gmail") -> Mailbox:
        """Give a fresh mailbox with Gmail's folders, reached through this proxy."""
        direct = self.dovecot.account(name)
        with self.dovecot.open(direct) as client:
            client.create_folder(ALL_MAIL)
            client.subscribe_folder(ALL_MAIL)
        return Mailbox(direct.email, direct.password, "localhost", self.port, direct.tls_port)

    def deliver(self, mailbox: Mailbox, raw: bytes) -> None:
        """Let a mail arrive."""
        self.dovecot.deliver(mailbox.email, raw)
        with self.dovecot.open(mailbox) as client:
            client.append(ALL_MAIL, raw)

    def stop(self) -> None:
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._socket.accept()
            except OSError:
                return
            _Connection(self.dovecot, line).start()


class _Connection:
    def __init__(self, dovecot: Dovecot, client: socket.socket) -> None:
        self._dovecot = dovecot
        self._client = client
        self._server = socket.create_connection(("127.0.0.1", dovecot.plain_port))
        self._email = self._folder = ""
        self._wants_ids = False
        self._swallowed: set[bytes] = set()

    def start(self) -> None:
        threading.Thread(target=self._pump, args=(self._client, self._server, self._upwards), daemon=True).start()
        threading.Thread(target=self._pump, args=(self._server, self._client, self._downwards), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, change) -> None:
        reader = source.makefile("rb")
        try:
            while line := reader.readline():
                literal = _LITERAL.search(line)
                target.sendall(change(line))
                if literal:
                    target.sendall(reader.read(int(literal[1])))
        except OSError:
            pass
        finally:
            for each in (source, target):
                each.close()

    def _upwards(self, line: bytes) -> bytes:
        words = line.split()
        command = b" ".join(words[1:3]).upper()
        if command.startswith(b"LOGIN"):
            self._email = words[2].strip(b'"').decode()
        elif command.startswith((b"SELECT", b"EXAMINE")):
            self._folder = re.sub(rb"^\S+ \S+ ", b"", line).split(b" (")[0].strip().strip(b'"').decode()
        elif command == b"UID FETCH":
            self._wants_ids = b"X-GM-MSGID" in line
            return _ITEM.sub(b"", line)
        elif command == b"UID MOVE" and ALL_MAIL.encode() in line:
            # The mail lies in All Mail already: only the folder that it is moved out of loses it.
            self._swallowed.add(words[0] + b"x")
            store = b"%sx UID STORE %s +FLAGS.SILENT (\\Deleted)\r\n" % (words[0], words[3])
            return store + b"%s UID EXPUNGE %s\r\n" % (words[0], words[3])
        return line

    def _downwards(self, line: bytes) -> bytes:
        if line.split(b" ", 1)[0] in self._swallowed:
            return b""
        line = re.sub(rb"(CAPABILITY IMAP4rev1)", rb"\1 X-GM-EXT-1", line)
        if b" LIST (" in line and ALL_MAIL.encode() in line:
            line = line.replace(b" LIST (", b" LIST (\\All ", 1)
        found = re.match(rb"\* \d+ FETCH \(UID (\d+)", line)
        if found and self._wants_ids:
            line = line[: found.end()] + self._ids(int(found[1])) + line[found.end() :]
        return line

    def _ids(self, uid: int) -> bytes:
        with self._dovecot.open(Mailbox(self._email, self._dovecot.password, "", 0, 0)) as client:
            client.select_folder(self._folder, readonly=True)
            raw = client.fetch([uid], ["BODY.PEEK[HEADER]"])[uid][b"BODY[HEADER]"]
        mail = message_from_bytes(raw)
        own = mail["Message-ID"] or ""
        subject = re.sub(r"^(?:re|fwd?): ", "", mail["Subject"] or "", flags=re.IGNORECASE)
        root = ((mail["References"] or "").split() or [own])[0]
        label = {"INBOX": "\\\\Inbox", "Sent": "\\\\Sent"}.get(self._folder, "")
        ids = _number(own), _number(root + subject), f'"{label}"' if label else ""
        return b" X-GM-MSGID %d X-GM-THRID %d X-GM-LABELS (%s)" % (ids[0], ids[1], ids[2].encode())


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big")
