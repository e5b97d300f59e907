"""gunicorn's settings for tests.dashboard.served: those of the product that streams depend on."""

import os
import signal
from typing import Any

bind = "127.0.0.1:" + os.environ["PORT"]
worker_class = "gthread"
workers = 1
threads = int(os.environ["WEB_THREADS"])
graceful_timeout = 30
loglevel = "warning"
control_socket_disable = True


def post_worker_init(worker: Any) -> None:
    """End streams at once on SIGTERM, as cli.gunicorn_conf does."""
    from dashboard import live

    before = signal.getsignal(signal.SIGTERM)

    def end(number: int, frame: Any) -> None:
        live.shutdown()
        before(number, frame)

    signal.signal(signal.SIGTERM, end)
