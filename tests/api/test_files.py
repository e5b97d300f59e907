"""Files and configurations travel between a device and its manager, past a real broker."""

import base64
import hashlib
import json
import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.api.test_devices import add
from tests.api.test_errors import problem
from tests.mqtt.conftest import Speaker
from tests.stack import until

BYTES = {"Content-Type": "application/octet-stream"}
LOG = b"door opened\n" * 20_000


@pytest.fixture
def box(running, program, settings):
    """Alice's device, connected and listening; what she adds, and what the device does."""
    alice = program()
    made = add(alice)
    device = Speaker(settings.mqtt_port, made["mqtt"]["username"], made["mqtt"]["password"])
    for name in ("files", "config"):
        device.subscribe(made["mqtt"]["topics"][name])
    yield alice, made, device
    device.close()


def wanted(content: bytes, direction: str, name: str = "log.txt") -> dict:
    digest = hashlib.sha256(content).hexdigest()
    return {"name": name, "size": len(content), "sha256": digest, "direction": direction}


def announce(program, made, body, **options):
    return program("POST", f"/devices/{made['id']}/files", json=body, **options)


def transfer(address: str) -> str:
    return address.partition("/api/v1")[2]


def as_device(made) -> dict:
    return {"headers": {"Authorization": f"Bearer {made['token']}"}}


def test_a_device_uploads_a_log_in_parts_and_goes_on_where_it_was_cut(box):
    alice, made, _ = box
    announced = announce(alice, made, wanted(LOG, "upload"), **as_device(made))
    assert announced.status_code == 201, announced.text
    path, size = transfer(announced.json["url"]), len(LOG)

    def part(start: int, end: int):
        headers = BYTES | {"Content-Range": f"bytes {start}-{end - 1}/{size}"}
        return alice("PUT", path, data=LOG[start:end], headers=headers)

    first = part(0, 100_000)
    assert (first.status_code, first.json["received"]) == (202, 100_000)
    wrong = part(50_000, 150_000)
    assert problem(wrong, 409)["code"] == "wrong_offset"
    assert wrong.json["error"]["details"]["received"] == 100_000
    last = part(100_000, size)
    assert (last.status_code, last.json["state"]) == (200, "whole")
    assert part(0, 10).status_code == 404  # the address ended with the transfer

    [listed] = alice("GET", f"/devices/{made['id']}/files").json["items"]
    read = alice("GET", f"/files/{listed['id']}")
    assert read.data == LOG
    assert read.headers["Content-Disposition"].startswith("attachment")


def test_a_manager_sends_a_file_down_and_the_device_fetches_it_once(box):
    alice, made, device = box
    content = secrets.token_bytes(100_000)
    announced = announce(alice, made, wanted(content, "download", "firmware.bin"))
    assert device.got == []  # nothing to fetch yet
    put = alice("PUT", transfer(announced.json["url"]), data=content, headers=BYTES)
    assert put.json["state"] == "whole"

    until(lambda: device.got)
    topic, told = device.got[0][0], json.loads(device.got[0][1])
    assert topic == made["mqtt"]["topics"]["files"]
    assert (told["name"], told["size"], told["direction"]) == ("firmware.bin", 100_000, "download")
    assert told["url"] != announced.json["url"]
    path = transfer(told["url"])
    start = alice("GET", path, headers={"Range": "bytes=0-59999"})
    assert start.status_code == 206
    rest = alice("GET", path, headers={"Range": "bytes=60000-"})
    assert hashlib.sha256(start.data + rest.data).hexdigest() == told["sha256"]
    assert alice("GET", path).status_code == 404
    [listed] = alice("GET", f"/devices/{made['id']}/files").json["items"]
    assert listed["state"] == "fetched"


@pytest.mark.parametrize("change", ["PATCH", "DELETE"])
def test_who_manages_a_device_no_more_sends_it_nothing_more(box, program, change):
    alice, made, device = box
    bob, content = program("bob"), b"firmware"
    grants = f"/devices/{made['id']}/grants"
    granted = alice("POST", grants, json={"email": bob.email, "level": "manager"})
    address = transfer(announce(bob, made, wanted(content, "download")).json["url"])
    alice(change, f"{grants}/{granted.json['id']}", json={"level": "operator"})

    assert bob("PUT", address, data=content, headers=BYTES).status_code == 404
    own = announce(alice, made, wanted(content, "download", "own.txt")).json
    assert alice("PUT", transfer(own["url"]), data=content, headers=BYTES).status_code == 200
    until(lambda: device.got)
    assert [json.loads(payload)["id"] for _topic, payload in device.got] == [own["id"]]


def sent_down(alice, made, device, content: bytes) -> tuple[str, str]:
    """Send a file down; returns its id and the path that the device is told."""
    before = len(device.got)
    announced = announce(alice, made, wanted(content, "download", "cut.bin"))
    alice("PUT", transfer(announced.json["url"]), data=content, headers=BYTES)
    told = json.loads(until(lambda: device.got[before:])[0][1])
    return told["id"], transfer(told["url"])


@pytest.mark.parametrize("word", ["done", "refused"])
def test_a_download_that_was_lost_on_the_way_goes_on_until_the_device_answers(box, word):
    alice, made, device = box
    content = secrets.token_bytes(300_000)
    file_id, path = sent_down(alice, made, device, content)
    assert alice("GET", path).data == content  # handed out, though the device has less
    assert listed(alice, made)["state"] == "fetched"

    def rest():
        return alice("GET", path, headers={"Range": "bytes=500-"})

    for _ in range(2):
        assert (rest().status_code, rest().data) == (206, content[500:])
    for again in ({}, {"Range": "bytes=0-"}, {"Range": "bytes=0-499"}):
        assert alice("GET", path, headers=again).status_code == 404

    ack = {"id": file_id, "status": word, "detail": ""}
    device.publish(f"gatehouse/{made['controller_id']}/commands/ack", json.dumps(ack))
    until(lambda: rest().status_code == 404, what="the end of the address")


def test_a_download_begins_once(box):
    alice, made, device = box
    content = secrets.token_bytes(300_000)
    _, path = sent_down(alice, made, device, content)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: alice("GET", path), range(8)))
    assert [one.data for one in answers if one.status_code == 200] == [content]
    assert {one.status_code for one in answers} <= {200, 404, 429}


def test_a_small_file_comes_along_and_is_announced_at_once(box):
    alice, made, device = box
    content = b'{"volume": 3}'
    body = wanted(content, "download", "small.json")
    answer = announce(alice, made, body | {"content": base64.b64encode(content).decode()})
    assert answer.json["told"] is True
    told = json.loads(until(lambda: device.got)[0][1])
    assert base64.b64decode(told["content"]) == content
    assert alice("GET", transfer(told["url"])).data == content


@pytest.mark.parametrize(
    "span", ["4-9/30", "4-4/30", "4-24/30", "4-3/30", "4-33/30", "4-23/31", "4-"]
)
def test_a_part_is_as_long_as_its_range(program, span):
    alice = program()
    content = secrets.token_bytes(30)
    path = transfer(announce(alice, add(alice), wanted(content, "upload")).json["url"])

    def part(span: str, content: bytes):
        headers = BYTES | {"Content-Range": f"bytes {span}"}
        return alice("PUT", path, data=content, headers=headers)

    assert part("0-3/30", content[:4]).status_code == 202
    assert problem(part(span, content[4:24]), 422)["code"] == "bad_range"
    assert part("4-23/30", content[4:24]).json["received"] == 24  # nothing of it was kept
    assert part("24-29/30", content[24:]).json["state"] == "whole"


def listed(alice, made) -> dict:
    return alice("GET", f"/devices/{made['id']}/files").json["items"][0]


def test_what_the_device_says_of_a_file_is_shown_and_it_can_be_sent_again(box):
    alice, made, device = box
    content = secrets.token_bytes(20_000)
    announced = announce(alice, made, wanted(content, "download", "firmware.bin"))
    alice("PUT", transfer(announced.json["url"]), data=content, headers=BYTES)
    first = json.loads(until(lambda: device.got)[0][1])
    assert "content" not in first
    until(lambda: listed(alice, made)["sent_at"], what="the broker says that it is there")

    def say(status: str, detail: str = "") -> None:
        ack = {"id": first["id"], "status": status, "detail": detail}
        device.publish(f"gatehouse/{made['controller_id']}/commands/ack", json.dumps(ack))

    say("refused", "no room on the card")
    until(lambda: listed(alice, made)["state"] == "refused")
    assert listed(alice, made)["result"] == "no room on the card"
    assert alice("GET", transfer(first["url"])).status_code == 404  # ended with the refusal

    again = alice("POST", f"/devices/{made['id']}/files/{first['id']}/send")
    assert (again.json["state"], again.json["told"], again.json["result"]) == ("whole", True, "")
    second = json.loads(until(lambda: device.got[1:])[0][1])
    assert second["id"] == first["id"]
    assert alice("GET", transfer(second["url"])).data == content
    say("done")
    until(lambda: listed(alice, made)["state"] == "fetched")
    other = alice("POST", f"/devices/{made['id']}/files/{'a' * 16}/send")
    assert problem(other, 404)["code"] == "file_not_found"


def test_another_device_says_nothing_of_a_file(box, program, settings):
    alice, made, device = box
    body = wanted(b"x", "download", "x.bin")
    announce(alice, made, body | {"content": base64.b64encode(b"x").decode()})
    told = json.loads(until(lambda: device.got)[0][1])
    mallory = program("mallory")
    other = add(mallory, "Other door")
    liar = Speaker(settings.mqtt_port, other["mqtt"]["username"], other["mqtt"]["password"])
    ack = {"id": told["id"], "status": "refused", "detail": "a lie"}
    liar.publish(f"gatehouse/{other['controller_id']}/commands/ack", json.dumps(ack))
    liar.publish(other["mqtt"]["topics"]["telemetry"], '{"after": 1}')
    until(lambda: mallory("GET", f"/devices/{other['id']}/sensors").json["items"])
    liar.close()
    assert listed(alice, made)["state"] == "whole"


def test_size_and_checksum_are_enough(box):
    alice, made, device = box
    body = {name: value for name, value in wanted(LOG, "").items() if name in {"size", "sha256"}}
    named = f"{body['sha256'][:12]}.bin"
    up = announce(alice, made, body, **as_device(made))
    assert up.status_code == 201, up.text
    assert (up.json["name"], up.json["direction"]) == (named, "upload")
    head = {"Content-Range": f"bytes 0-999/{len(LOG)}"}
    alice("PUT", transfer(up.json["url"]), data=LOG[:1000], headers=BYTES | head)
    again = announce(alice, made, body, **as_device(made))
    assert (again.json["id"], again.json["received"]) == (up.json["id"], 1000)

    down = announce(alice, made, body)
    assert (down.json["name"], down.json["direction"]) == (named, "download")
    alice("PUT", transfer(down.json["url"]), data=LOG, headers=BYTES)
    told = json.loads(until(lambda: device.got)[0][1])
    assert (told["name"], told["size"]) == (named, len(LOG))


def test_a_manager_asks_a_device_for_a_file(box):
    alice, made, device = box
    answer = announce(alice, made, wanted(LOG, "upload"))
    told = json.loads(until(lambda: device.got)[0][1])
    assert (told["direction"], told["url"]) == ("upload", answer.json["url"])


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"name": "../../etc/passwd"}, 422),
        ({"name": ".."}, 422),
        ({"name": ""}, 422),
        ({"name": "a/b"}, 422),
        ({"sha256": "0" * 63}, 422),
        ({"size": 10**12}, 413),
        ({"size": -1}, 422),
        ({"direction": "sideways"}, 422),
    ],
    ids=str,
)
def test_what_is_no_file_is_refused(program, change, status):
    alice = program()
    answer = announce(alice, add(alice), wanted(LOG, "upload") | change)
    assert answer.status_code == status, answer.text


def test_bytes_that_are_not_what_was_announced_are_thrown_away(program):
    alice = program()
    made = add(alice)
    path = transfer(announce(alice, made, wanted(b"right", "upload")).json["url"])
    assert problem(alice("PUT", path, data=b"wrong", headers=BYTES), 422)["code"] == "checksum"
    too_many = alice("PUT", path, data=b"right and more", headers=BYTES)
    assert too_many.status_code == 413
    assert alice("PUT", path, data=b"right", headers=BYTES).json["state"] == "whole"


def test_files_are_for_managers_and_a_device_uploads_only_its_own(program):
    alice, mallory = program(), program("mallory")
    made, other = add(alice), add(mallory, "Other door")
    assert announce(mallory, made, wanted(LOG, "upload")).status_code == 404
    assert announce(alice, made, wanted(LOG, "upload"), **as_device(other)).status_code == 404
    down = announce(alice, made, wanted(LOG, "download"), **as_device(made))
    assert down.status_code == 403
    listed = announce(alice, made, wanted(b"x", "upload")).json
    assert mallory("GET", f"/files/{listed['id']}").status_code == 404
    assert mallory("GET", f"/devices/{made['id']}/files").status_code == 404
    assert mallory("PUT", f"/devices/{made['id']}/config", json={"config": {}}).status_code == 404


def test_a_configuration_waits_for_the_device_and_says_what_came_of_it(box, settings):
    alice, made, device = box
    path = f"/devices/{made['id']}/config"
    assert alice("GET", path).status_code == 404
    pushed = alice("PUT", path, json={"config": {"interval": 5}})
    assert (pushed.json["version"], pushed.json["sent"]) == (1, True)
    assert alice("PUT", path, json={"config": {"interval": 5}}).json["version"] == 1
    assert alice("PUT", path, json={"config": {"interval": 9}}).json["version"] == 2
    until(lambda: json.loads(device.got[-1][1]) == {"interval": 9, "version": 2})
    device.close()

    later = Speaker(settings.mqtt_port, made["mqtt"]["username"], made["mqtt"]["password"])
    later.subscribe(made["mqtt"]["topics"]["config"])
    assert json.loads(until(lambda: later.got)[0][1]) == {"interval": 9, "version": 2}
    later.publish(
        f"gatehouse/{made['controller_id']}/status",
        json.dumps({"online": True, "config_version": 2, "config_result": "applied"}),
    )
    until(lambda: alice("GET", path).json["reported_version"] == 2)
    assert alice("GET", path).json["reported_result"] == "applied"
    later.close()


def test_a_configuration_has_bounds(program):
    alice = program()
    path = f"/devices/{add(alice)['id']}/config"
    reserved = alice("PUT", path, json={"config": {"version": 7}})
    assert problem(reserved, 422)["code"] == "version_reserved"
    large = {"config": {"text": "x" * 40_000}}
    assert problem(alice("PUT", path, json=large), 422)["code"] == "config_too_large"
    assert alice("PUT", path, json={"config": [1]}).status_code == 422
