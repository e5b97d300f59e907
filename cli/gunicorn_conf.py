"""Settings of the web server; gunicorn reads this file."""

import gc
import logging
import signal
import sys
from typing import Any

from config import load

gc.disable()  # until the server has been built: nothing of it is garbage
settings = load()
bind = f"{settings.host}:{settings.port}"
worker_class = "gthread"
workers = 1  # the live bus is in memory; several processes need LIVE_BUS=mqtt
threads = settings.web_threads
worker_connections = 2 * settings.web_threads + 200
keepalive = 30
timeout = 60
graceful_timeout = 5
proc_name = "gatehouse"
accesslog = None  # addresses of guest links must not be written anywhere
errorlog = "-"
loglevel = "warning"
limit_request_line = 8190
control_socket_disable = True
if settings.tls_cert and settings.tls_key:
    certfile, keyfile = str(settings.tls_cert), str(settings.tls_key)


def post_worker_init(worker: Any) -> None:
    """Start the threads beside the web server and end live streams at once on SIGTERM."""
    from auth import accounts
    from cli.background import Background
    from clock import utcnow
    from dashboard import live

    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    sys.setswitchinterval(0.001)  # a thread with a message waits no longer for one that computes
    background = Background(worker.wsgi)
    background.start()
    with worker.wsgi.app_context():
        if link := accounts.admin_invitation(utcnow()):
            print(f"Nobody looks after this installation yet. To be the one: {link}", flush=True)
    before = signal.getsignal(signal.SIGTERM)

    def end(number: int, frame: Any) -> None:
        live.shutdown()
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGTERM, end)
    worker.gatehouse_background = background
    gc.freeze()  # a collection that goes through all of it stops every thread for 0.1 s and more
    gc.enable()


def worker_exit(_server: Any, worker: Any) -> None:
    """Acknowledge nothing more and let the threads end."""
    if background := getattr(worker, "gatehouse_background", None):
        background.stop()
