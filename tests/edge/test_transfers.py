"""Files and configurations between a real server and a real device, in the clear and sealed."""

import base64
import contextlib
import hashlib
import json
import secrets

import pytest

from clock import now_ms
from tests.edge import carrying
from tests.stack import until

SMALL = b'{"volume": 3}'
LARGE = b"every line of this can be known again\n" * 8_000  # 304 kB


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with carrying.house(tmp_path_factory.mktemp("carrying")) as made:
        yield made


def started(house, folder, **how):
    made = carrying.box(house, folder, **how)
    yield made.start()
    made.stop()


@pytest.fixture(scope="module")
def box(house, tmp_path_factory):
    """A device that hears in the clear."""
    yield from started(house, tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def sealed(house, tmp_path_factory):
    """A device that seals, as the server knows."""
    yield from started(house, tmp_path_factory.mktemp("sealed"), seals=True, must_seal=True)


@pytest.fixture(scope="module")
def mistrustful(house, tmp_path_factory):
    """A device that takes sealed messages only, which the server does not know."""
    yield from started(house, tmp_path_factory.mktemp("mistrustful"), seals=True)


def here(box) -> dict[str, bytes]:
    """What is in the device's folder, hidden files too."""
    found = {}
    for path in (box.folder / "in").iterdir():
        with contextlib.suppress(FileNotFoundError):  # a part that has just got its name
            found[path.name] = path.read_bytes()
    return found


def arrives(box, name: str, content: bytes) -> None:
    """Wait until a file is in its place; its last byte had been sent before that."""
    until(lambda: here(box).get(name) == content, what=f"{name} in its place")


def everything(box) -> dict[str, bytes]:
    """What is in and around the device's folders, but for its own memory."""
    return {
        str(path): path.read_bytes()
        for path in box.folder.rglob("*")
        if path.is_file() and path.parent.name != "state"
    }


def announced(content: bytes, /, **changes) -> bytes:
    """An announcement as the server makes it, but for what a test changes."""
    return json.dumps(
        {
            "id": "of-the-tests",
            "name": "x.bin",
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "url": "http://localhost:9/api/v1/transfers/none",
            "expires": now_ms() + 600_000,
            "direction": "download",
            "content": base64.b64encode(content).decode(),
        }
        | changes
    ).encode()


def test_a_small_file_comes_along_with_its_announcement(house, box):
    before = len(house.asked)
    assert box.became(box.send("small.json", SMALL)) == ("fetched", "")
    assert here(box)["small.json"] == SMALL
    assert (box.folder / "in/small.json").stat().st_mode & 0o777 == 0o600
    assert house.asked[before:] == []


def test_a_large_file_is_fetched_and_replaces_the_one_of_its_name(box):
    assert box.became(box.send("fire.bin", SMALL)) == ("fetched", "")
    assert box.became(box.send("fire.bin", LARGE)) == ("fetched", "")
    arrives(box, "fire.bin", LARGE)
    assert not [name for name in here(box) if name.startswith(".")]


def test_a_fetch_that_is_cut_goes_on_where_it_was(house, box):
    content = secrets.token_bytes(300_000)
    before, house.carried[:] = len(house.asked), b""
    house.cut_after = 100_000
    assert box.became(box.send("cut.bin", content)) == ("fetched", "")
    arrives(box, "cut.bin", content)
    [first, *more] = [span for _, _, span in house.asked[before:]]
    assert first is None
    assert more, "it was cut"
    assert all(int(span.removeprefix("bytes=").removesuffix("-")) > 0 for span in more)


def test_a_fetch_whose_end_was_sent_and_lost_goes_on_where_it_was(house, box):
    content = secrets.token_bytes(300_000)
    before, house.carried[:] = len(house.asked), b""
    house.cut_after, house.loses = 100_000, True
    try:
        box.send("lost.bin", content)
        arrives(box, "lost.bin", content)
    finally:
        house.loses = False
    spans = [span for _, _, span in house.asked[before:]]
    assert spans[0] is None
    assert all(int(span.removeprefix("bytes=").removesuffix("-")) > 0 for span in spans[1:])
    assert len(spans) > 1, "it was cut"


def test_what_came_before_a_restart_is_not_fetched_again(house, box):
    content = secrets.token_bytes(300_000)
    digest = hashlib.sha256(content).hexdigest()
    (box.folder / f"in/.{digest}.part").write_bytes(content[:250_000])
    before = len(house.asked)
    assert box.became(box.send("rest.bin", content)) == ("fetched", "")
    arrives(box, "rest.bin", content)
    assert [span for _, _, span in house.asked[before:]] == ["bytes=250000-"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": "../out.bin"}, "not one for a file here"),
        ({"name": "/etc/out.bin"}, "not one for a file here"),
        ({"name": ".profile"}, "not one for a file here"),
        ({"name": "a\\b"}, "not one for a file here"),
        ({"size": 2 * 2**20}, "more than 1048576 bytes"),
        ({"sha256": "0" * 64}, "not those that were announced"),
        ({"expires": 1_700_000_000_000}, "the address ended"),
        ({"url": "file:///etc/passwd"}, "this announces no file"),
        ({"sha256": "../" + "0" * 61}, "this announces no file"),
        ({"size": -1}, "this announces no file"),
        ({"content": "no base64!"}, "this announces no file"),
    ],
    ids=str,
)
def test_what_must_not_come_is_refused_and_nothing_is_written(box, changes, code):
    was = everything(box)
    asked = box.send("refused.bin", b"for its id " + secrets.token_bytes(4))
    box.became(asked)
    box.says("files", announced(b"x" * 9, id=asked, **changes))
    until(lambda: box.file(asked)[0] == "refused", what="a refusal")
    assert code in box.file(asked)[1]
    (box.folder / "in/refused.bin").unlink()
    assert everything(box) == was


def test_an_announcement_that_the_broker_had_kept_is_not_followed(box):
    box.says("files", announced(b"old", name="old.bin"), retain=True)
    assert box.became(box.send("new.bin", b"new")) == ("fetched", "")
    assert "old.bin" not in here(box)
    box.says("files", b"", retain=True)


def test_a_link_in_the_folder_leads_nowhere(box, tmp_path):
    outside = tmp_path / "outside"
    outside.write_bytes(b"untouched")
    content = b"through the link"
    digest = hashlib.sha256(content).hexdigest()
    for name in ("link.bin", f".{digest}.part"):
        (box.folder / "in" / name).symlink_to(outside)
    state, _why = box.became(box.send("link.bin", content))
    assert (state, outside.read_bytes()) == ("refused", b"untouched")
    (box.folder / f"in/.{digest}.part").unlink()
    assert box.became(box.send("link.bin", content)) == ("fetched", "")
    assert here(box)["link.bin"] == content
    assert outside.read_bytes() == b"untouched"


def test_a_log_is_sent_by_the_command_line(house, box):
    log = box.folder / "boot.log"
    log.write_bytes(LARGE * 2)
    sent = box.upload(log)
    assert (sent.returncode, sent.stderr) == (0, "")
    assert box.files()["boot.log"] == LARGE * 2


def test_what_cannot_be_sent_is_named_in_one_line(box, tmp_path):
    missing = box.upload(box.folder / "none.log")
    assert (missing.returncode, missing.stderr.count("\n")) == (1, 1)
    assert "there is no file none.log" in missing.stderr
    (tmp_path / "a.log").write_bytes(b"a")
    right = box.config.read_text()
    try:
        box.config.write_text(right.replace(box.token, "another"))
        refused = box.upload(tmp_path / "a.log")
    finally:
        box.config.write_text(right)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "token" in refused.stderr


def test_a_log_that_the_server_asks_for_is_sent(box):
    (box.folder / "logs/asked.log").write_bytes(LARGE)
    box.ask("asked.log", LARGE)
    until(lambda: box.files().get("asked.log") == LARGE, 20, "the log")


@pytest.mark.parametrize(
    ("name", "why"), [("other.log", "is another by now"), ("none.log", "no such file here")]
)
def test_a_log_that_is_not_as_it_was_asked_for_is_refused(box, name, why):
    (box.folder / "logs/other.log").write_bytes(b"it has grown")
    asked = box.ask(name, b"it has")
    until(lambda: box.file(asked)[0] == "refused", what="a refusal")
    assert why in box.file(asked)[1]


def test_a_sealed_device_gets_everything_sealed(house, sealed):
    house.carried[:] = b""
    sealed.push({"every_s": {"water": 5}})
    until(lambda: sealed.version() == ("applied", "applied"), 20, "it follows the configuration")
    assert sealed.became(sealed.send("small.json", SMALL)) == ("fetched", "")
    house.cut_after = 100_003  # not at the beginning of a block of the cipher
    assert sealed.became(sealed.send("large.bin", LARGE)) == ("fetched", "")
    arrives(sealed, "large.bin", LARGE)
    assert here(sealed) == {"small.json": SMALL, "large.bin": LARGE}
    assert len(house.carried) >= len(LARGE)
    assert LARGE[:38] not in house.carried


def test_a_configuration_that_was_pushed_while_a_sealed_device_was_away_reaches_it(sealed):
    sealed.push({"every_s": {"water": 7}})
    until(lambda: sealed.version() == ("applied", "applied"), 20)
    sealed.became(sealed.send("later.json", SMALL))  # a counter above that of the configuration
    sealed.stop()
    sealed.push({"every_s": {"fire": 7}})
    sealed.start()
    until(lambda: sealed.version()[0] == "failed", 20, "it hears of it")
    assert "no such sensor" in sealed.version()[1]


def test_a_log_of_a_sealed_device_is_sent_sealed_when_asked_for(sealed):
    (sealed.folder / "logs/asked.log").write_bytes(LARGE)
    sealed.ask("asked.log", LARGE)
    until(lambda: sealed.files().get("asked.log") == LARGE, 20, "the log")


def test_a_sealed_device_announces_nothing_itself_where_others_can_read_it(sealed):
    (sealed.folder / "own.log").write_bytes(b"secret")
    refused = sealed.upload(sealed.folder / "own.log")
    assert refused.returncode == 1
    assert "sealed messages only" in refused.stderr


def test_a_device_that_seals_refuses_what_comes_in_the_clear(mistrustful):
    mistrustful.push({"every_s": {"water": 5}})
    until(lambda: mistrustful.version()[0] == "failed", 20, "a refusal")
    assert mistrustful.version()[1] == "this device takes sealed messages only"
    state, why = mistrustful.became(mistrustful.send("clear.json", SMALL))
    assert (state, why) == ("refused", "this device takes sealed messages only")
    assert here(mistrustful) == {}
