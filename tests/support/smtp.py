"""A mail server that keeps what it is sent: as much of SMTP as clients speak to one without accounts."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_string
from email.message import Message

from support.cli import eventually


@dataclass
class MailServer:
    """What came, and to whom."""

    port: int = 0
    received: list[tuple[str, Message]] = field(default_factory=list)

    def until(self, count: int) -> list[tuple[str, Message]]:
        eventually(lambda: len(self.received) >= count, f"{count} mails")
        return self.received


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """Run one on a thread, on a free port of loopback."""
    mails = MailServer()

    class Handler(socketserver.StreamRequestHandler):
        def say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

        def handle(self) -> None:
            to = ""
            self.say("220 ready")
            while line := self.rfile.readline().decode().strip():
                verb = line.partition(" ")[0].upper()
                if verb == "RCPT":
                    to = line.partition("<")[2].partition(">")[0]
                if verb == "DATA":
                    self.say("354 go on")
                    lines: list[str] = []
                    while (text := self.rfile.readline().decode()) != ".\r\n":
                        lines.append(text)
                    mails.received.append((to, message_from_string("".join(lines))))
                self.say("221 bye" if verb == "QUIT" else "250 ok")
                if verb == "QUIT":
                    return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        mails.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield mails
        finally:
            server.shutdown()
            thread.join()


def text_of(mail: Message) -> str:
    """Return the plain text of a mail."""
    parts = [part for part in mail.walk() if part.get_content_type() == "text/plain"]
    payload = parts[0].get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()
