"""Starting and ending: what goes wrong is one clear line, and nothing is left behind."""

import contextlib
import http.client
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from cli import serve
from config import Settings
from tests.stack import ROOT, Stack, free_port, stack, until


def start(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `python app.py` until it ends by itself."""
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "INSTANCE_DIR": str(folder / "i")}
    return subprocess.run(
        [sys.executable, str(ROOT / "app.py")],
        cwd=folder,
        env=env | settings,
        capture_output=True,
        text=True,
        timeout=30,
    )


def test_a_port_in_use_is_one_line_that_names_the_setting(tmp_path: Path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        ended = start(tmp_path, PORT=str(other.getsockname()[1]))
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "PORT" in ended.stderr


def test_a_broker_port_in_use_is_one_line_that_names_the_setting(tmp_path: Path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        ended = start(tmp_path, PORT=str(free_port()), MQTT_PORT=str(other.getsockname()[1]))
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "MQTT_PORT" in ended.stderr


def test_an_instance_folder_that_cannot_be_written_is_one_line(tmp_path: Path):
    (tmp_path / "file").write_text("")
    ended = start(tmp_path, PORT=str(free_port()), INSTANCE_DIR=str(tmp_path / "file/instance"))
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "INSTANCE_DIR" in ended.stderr


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("PORT=eighty", "PORT"),
        ("SECRET_KEY=dev", "SECRET_KEY"),
        ("SECRET_KEY=sixteen-bytes-xx", "SECRET_KEY"),
        ("GATEHOUSE_PORT=8050", "GATEHOUSE_PORT"),
        ("this is no setting", "line 1"),
        ("MQTT_ADMIN=magic", "MQTT_ADMIN"),
    ],
)
def test_a_broken_env_file_is_one_line_and_exit_code_2(tmp_path: Path, line: str, word: str):
    (tmp_path / ".env").write_text(line + "\n")
    ended = start(tmp_path)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert word in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_secret_is_not_shown_when_it_is_refused(tmp_path: Path):
    ended = start(tmp_path, SECRET_KEY="opensesame")
    assert ended.returncode == 2
    assert "opensesame" not in ended.stderr + ended.stdout


def test_several_web_processes_with_the_memory_bus_are_refused(tmp_path: Path):
    ended = start(tmp_path, WEB_CONCURRENCY="3")
    assert ended.returncode == 2
    assert "WEB_CONCURRENCY" in ended.stderr


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory):
    with stack(tmp_path_factory.mktemp("serve")) as made:
        yield made


def test_what_the_first_start_makes_only_this_user_can_read(running: Stack):
    for name in ("secret_key", "jwt_secret"):
        assert len((running.instance / name).read_bytes()) >= 32
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode)
        for path in running.instance.iterdir()
        if path.is_file()
    }
    assert {"secret_key", "jwt_secret", "app.sqlite", "telemetry.sqlite"} <= modes.keys()
    assert set(modes.values()) == {0o600}, modes
    assert stat.S_IMODE((running.instance / "broker").stat().st_mode) == 0o700


def test_a_body_that_is_refused_is_read_away_and_the_connection_stays(running: Stack):
    parts = urlsplit(running.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    with contextlib.closing(connection):
        for path, status in (("/api/v1/auth/token", 413), ("/api/v1/devices", 401)):
            kind = {"Content-Type": "application/json"}
            connection.request("POST", path, b"[" * 3_000_000, kind)
            answer = connection.getresponse()
            assert (answer.status, bool(answer.read())) == (status, True)
        wire = connection.sock
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200
        assert connection.sock is wire


def test_the_supervisor_stays_small(running: Stack):
    assert running.process is not None
    maps = Path(f"/proc/{running.process.pid}/maps").read_text()
    assert "sqlalchemy" not in maps
    assert "/orjson" not in maps


def children(process: psutil.Process) -> list[psutil.Process]:
    return process.children(recursive=True)


def test_ctrl_c_ends_everything(tmp_path: Path):
    with stack(tmp_path) as made:
        assert made.process is not None
        mine = children(psutil.Process(made.process.pid))
        assert any("mosquitto" in child.name() for child in mine)
        assert made.stop(signal.SIGINT) == 0
        until(lambda: not any(child.is_running() for child in mine), what="all children ended")


def test_a_killed_broker_is_started_again(tmp_path: Path):
    with stack(tmp_path) as made:
        pid = int((made.instance / "broker/pid").read_text())
        os.kill(pid, signal.SIGKILL)

        def back() -> bool:
            text = (made.instance / "broker/pid").read_text().strip()
            return text.isdigit() and int(text) != pid and psutil.pid_exists(int(text))

        until(back, what="another broker")
        until(made.answers, what="the server is ready again")


def test_a_server_killed_hard_can_be_started_again_at_once(tmp_path: Path):
    with stack(tmp_path) as made:
        assert made.process is not None
        made.process.kill()
        made.process.wait()

        def web_is_gone() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", made.port)) != 0

        until(web_is_gone, what="the web process follows its supervisor")
        made.start()
        assert made.stop() == 0


def test_a_signal_that_comes_while_another_is_taken_hangs_nothing(tmp_path: Path):
    """Who presses Ctrl-C twice, or ends a whole group of processes, sends two at once."""
    settings = Settings(instance_dir=tmp_path, mqtt_host="127.0.0.1")
    supervisor = serve.Supervisor(settings, demo=False)

    def ask() -> None:
        supervisor._asked_to_stop(signal.SIGTERM, None)

    def interrupt(*_):
        ask()
        return interrupt

    def traced() -> None:
        sys.settrace(interrupt)
        ask()

    thread = threading.Thread(target=traced, daemon=True)
    thread.start()
    thread.join(5)

    assert not thread.is_alive()


def test_who_asks_for_several_web_processes_is_told_that_there_is_one(tmp_path: Path, capsys):
    settings = Settings(instance_dir=tmp_path, mqtt_host="127.0.0.1", live_bus="mqtt")
    serve.Supervisor(settings, demo=False)._greet()
    assert "LIVE_BUS=mqtt does nothing yet" in capsys.readouterr().out
