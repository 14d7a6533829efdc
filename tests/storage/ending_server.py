"""Between a client and a real PostgreSQL: passes everything on until the server is to end, then ends as servers do."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

_TOLD = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"
FAREWELL = b"E" + struct.pack("!i", len(_TOLD) + 4) + _TOLD


@dataclass
class EndingServer:
    """host, port: of the server. keeps: how many messages of its last answer still come through, from the end if negative."""

    host: str
    port: int
    keeps: int
    ends: threading.Event = field(default_factory=threading.Event)

    def listen(self) -> int:
        """The port for one client."""
        waiting = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, args=(waiting,), daemon=True).start()
        return int(waiting.getsockname()[1])

    def _serve(self, waiting: socket.socket) -> None:
        client, _ = waiting.accept()
        server = socket.create_connection((self.host, self.port))
        threading.Thread(target=self._pass_on, args=(client, server), daemon=True).start()
        while (said := server.recv(65536)) and not self.ends.is_set():
            client.sendall(said)
        client.sendall(b"".join(list(_messages(said))[: self.keeps]) + FAREWELL)
        client.shutdown(socket.SHUT_RDWR)
        for one in (client, server, waiting):
            one.close()

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        while said := client.recv(65536):
            server.sendall(said)


def _messages(said: bytes) -> Iterator[bytes]:
    """PostgreSQL's protocol, 55.7: a letter, the length without it, the rest."""
    while said:
        end = 1 + struct.unpack("!i", said[1:5])[0]
        yield said[:end]
        said = said[end:]
