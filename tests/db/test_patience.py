"""How long is waited for a PostgreSQL that does not answer."""

import socket
import time

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from db import base


def test_a_machine_that_says_nothing_is_given_up_in_seconds(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(base.POSTGRESQL, "connect_timeout", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        engine = create_engine(f"postgresql+psycopg://a@127.0.0.1:{silent.getsockname()[1]}/a")
        base.tune(engine)
        began = time.monotonic()
        with pytest.raises(OperationalError, match="timeout"):
            engine.connect()
        assert time.monotonic() - began < 8


def test_what_the_address_says_counts(postgres):
    engine = create_engine(postgres.url.update_query_dict({"tcp_user_timeout": "77"}))
    base.tune(engine)
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver.info.get_parameters()["tcp_user_timeout"] == "77"
        assert driver.info.get_parameters()["connect_timeout"] == "5"
        assert driver.info.encoding == "utf-8"
    engine.dispose()
