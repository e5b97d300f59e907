"""`python -m edge check`: tries everything that a configuration names, and says what is wrong."""

import time
from pathlib import Path

from edge.client import DeviceClient
from edge.config import Config

BROKER_S = 5.0


def check(config: Config) -> list[str]:
    """Try every part, the state folder and the broker; returns what is wrong, one line each."""
    wrong = []
    for sensor in config.sensors:
        try:
            sensor.driver.open()
            sensor.driver.read()
        except OSError as error:
            wrong.append(f"{sensor.name}: {error}")
        finally:
            sensor.driver.close()
    for output in config.outputs:
        try:
            output.driver.open()
        except OSError as error:
            wrong.append(f"{output.name}: {error}")
        finally:
            output.driver.close()
    return wrong + _folder_problems(config.state_dir) + _broker_problems(config)


def _folder_problems(folder: Path) -> list[str]:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / ".probe").write_bytes(b"")
        (folder / ".probe").unlink()
    except OSError as error:
        return [f"state_dir {folder}: cannot be written ({error.strerror})"]
    return []


def _broker_problems(config: Config) -> list[str]:
    """Log in as the device; a running client of the same device is put out for that moment."""
    client = DeviceClient(config.login, on_command=lambda _command: None)
    client.start()
    end = time.monotonic() + BROKER_S
    while not client.problem and not client.counters.sent and time.monotonic() < end:
        time.sleep(0.05)
    heard, problem = client.counters.sent, client.problem
    client.stop()
    return [] if heard and not problem else [f"broker: {problem or 'no answer'}"]
