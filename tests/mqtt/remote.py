"""Mosquittos as somebody else would run them: with dynamic security, or letting everybody in."""

import subprocess
from pathlib import Path

from pydantic import SecretStr

from config import Settings
from tests.mqtt.conftest import listens
from tests.stack import until

PLUGIN = "/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so"


class Open:
    """A Mosquitto that lets everybody in, under the client id that they bring."""

    admin = "http"
    rules = "allow_anonymous true\n"

    def __init__(self, folder: Path, port: int) -> None:
        self.port, self.folder, self.process = port, folder, None
        self.conf = folder / "remote.conf"
        self.conf.write_text(
            f"listener {port} 127.0.0.1\nuser root\n{self.rules.format(folder=folder)}"
            f"set_tcp_nodelay true\nlog_dest file {folder / 'remote.log'}\n"
        )
        self.begin()

    def begin(self) -> None:
        """Nothing needs to be prepared."""

    def start(self) -> None:
        self.process = subprocess.Popen(
            ["/usr/sbin/mosquitto", "-c", str(self.conf)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(lambda: listens(self.port))

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)

    def settings(self, settings: Settings) -> Settings:
        """The settings of a server that uses this broker."""
        return settings.model_copy(
            update={
                "mqtt_host": "127.0.0.1",
                "mqtt_port": self.port,
                "mqtt_username": "gatekeeper",
                "mqtt_password": SecretStr("secret"),
                "mqtt_admin": self.admin,
            }
        )


class Dynsec(Open):
    """A Mosquitto with the dynamic-security plugin."""

    admin = "dynsec"
    rules = (
        f"allow_anonymous false\nplugin {PLUGIN}\nplugin_opt_config_file {{folder}}/dynsec.json\n"
    )

    @property
    def state(self) -> Path:
        return self.folder / "dynsec.json"

    def begin(self) -> None:
        subprocess.run(
            ["mosquitto_ctrl", "dynsec", "init", str(self.state), "gatekeeper", "secret"],
            check=True,
            capture_output=True,
        )

    def lose(self) -> None:
        self.state.unlink()
        self.begin()
