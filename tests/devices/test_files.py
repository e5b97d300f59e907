"""What is kept of files: how long, how much, and nothing that belongs to nobody."""

import hashlib
import zlib
from datetime import timedelta
from types import SimpleNamespace

import pytest

from db.base import db, transaction
from db.models import DeviceFile
from devices import files, kept_files
from devices.files import TooLarge
from errors import AppError, Forbidden, Gone, Invalid, NotFound
from tests.devices.conftest import NOW, Level, give, person

LOG = b"door opened\n" * 100


@pytest.fixture
def folder(parts):
    return parts.settings.instance_dir / "files"


def announce(door, content=LOG, now=NOW, **changes) -> files.Offer:
    terms = {"name": "door.log", "size": len(content), "direction": "upload"}
    digest = hashlib.sha256(content).hexdigest()
    terms |= {"digest": digest, "by": door, "address": ""}
    return files.announce(door, **(terms | changes), now=now)


def receive(offer, content, folder, offset=0) -> DeviceFile:
    return files.receive(offer.file, [content], offset=offset, folder=folder, now=NOW)


def test_an_upload_that_was_cut_goes_on_under_a_new_address(door, folder):
    first = announce(door)
    receive(first, LOG[:500], folder)
    late = NOW + files.URL_LIFETIME
    with pytest.raises(Gone):
        files.by_token(first.token, "waiting", now=late)

    again = announce(door, now=late)
    assert (again.file.id, again.file.received) == (first.file.id, 500)
    with pytest.raises(NotFound):
        files.by_token(first.token, "waiting", now=NOW)
    file = files.by_token(again.token, "waiting", now=late)
    assert files.receive(file, [LOG[500:]], offset=500, folder=folder, now=late).state == "whole"
    assert kept_files.path_of(file, folder).read_bytes() == LOG


def test_a_whole_file_that_is_announced_again_is_another_file(door, folder):
    first = announce(door)
    receive(first, LOG, folder)
    assert announce(door).file.id != first.file.id


def test_an_address_is_for_one_way_and_ends_with_the_transfer(door, folder):
    offer = announce(door)
    with pytest.raises(NotFound):
        files.by_token(offer.token, "whole", now=NOW)
    receive(offer, LOG, folder)
    for state in ("waiting", "whole"):
        with pytest.raises(NotFound):
            files.by_token(offer.token, state, now=NOW)


def test_all_files_of_a_device_have_their_bounds(door, folder):
    for number in range(4):
        announce(door, name=f"{number}.bin", size=files.LARGEST)
    assert kept_files.used(door) == kept_files.QUOTA
    with pytest.raises(TooLarge):
        announce(door, size=1)
    announce(door, name="3.bin", size=files.LARGEST)  # it takes its room already
    with pytest.raises(TooLarge):
        announce(door, size=files.LARGEST + 1)


@pytest.mark.parametrize(
    "name", ["../x", "a/b", "a\\b", "..", " ", "", "a\0b", "a\nb", "x" * 121, "C:x", "~", "a*b"]
)
def test_a_name_is_no_path(door, name):
    with pytest.raises(Invalid):
        announce(door, name=name)


def test_a_name_that_is_refused_says_what_may_be_in_one(door):
    with pytest.raises(Invalid) as refused:
        announce(door, name="a&b#.bin")
    assert "letters, digits, spaces and _ . ( ) + -" in str(refused.value)
    announce(door, name="aé 1_.()+-")


def test_what_unpacks_to_much_is_kept_as_the_bytes_that_it_is(door, folder):
    bomb = zlib.compress(bytes(8_000_000), 9)
    file = receive(announce(door, bomb, name="bomb.zip"), bomb, folder)
    assert kept_files.path_of(file, folder).stat().st_size == len(bomb) < 10_000


def test_bytes_lie_under_an_id_and_nobody_else_reads_the_folder(door, folder):
    file = receive(announce(door), LOG, folder)
    assert [path.name for path in folder.iterdir()] == [file.public_id]
    assert folder.stat().st_mode & 0o077 == 0
    [row] = db.session.query(DeviceFile)
    assert row.url_hash is None


def test_a_manager_deletes_a_file_and_its_bytes(parts, door, owner, stranger, folder):
    file = receive(announce(door), LOG, folder)
    give(stranger, door, Level.OPERATOR)

    def delete(by) -> None:
        kept_files.delete(door, file.public_id, by=by, folder=folder, now=NOW, address="")

    for who, refusal in ((stranger, Forbidden), (person("nobody"), NotFound)):
        with pytest.raises(refusal):
            delete(who)
    delete(owner)
    assert list(folder.iterdir()) == []
    with pytest.raises(NotFound):
        delete(owner)


def test_a_file_that_is_deleted_while_it_comes_is_gone(parts, door, owner, folder):
    offer = announce(door)

    def parts_of_it():
        yield LOG[:600]
        kept_files.delete(door, offer.file.public_id, by=owner, folder=folder, now=NOW, address="")
        yield LOG[600:]

    with pytest.raises(AppError):
        files.receive(offer.file, parts_of_it(), offset=0, folder=folder, now=NOW)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "late", [LOG[600:], b"x" * len(LOG[600:]), b"x"], ids=["same", "other", "part"]
)
def test_a_file_stays_whole_whatever_an_older_try_still_sends(door, folder, late):
    offer = announce(door)

    def slow():
        yield LOG[:600]
        assert receive(offer, LOG, folder).state == "whole"
        yield late

    with pytest.raises(NotFound):
        files.receive(offer.file, slow(), offset=0, folder=folder, now=NOW)
    db.session.refresh(offer.file)
    assert (offer.file.state, offer.file.received) == ("whole", len(LOG))
    assert kept_files.path_of(offer.file, folder).read_bytes() == LOG
    assert len(list(folder.iterdir())) == 1


def test_a_try_that_begins_too_late_does_not_touch_a_whole_file(door, folder):
    offer = announce(door)
    seen = {"id": offer.file.id, "public_id": offer.file.public_id, "sha256": offer.file.sha256}
    before = SimpleNamespace(received=0, size=len(LOG), **seen)  # as another request has read it
    receive(offer, LOG, folder)

    with pytest.raises(NotFound):
        files.receive(before, [b"x"], offset=0, folder=folder, now=NOW)
    assert kept_files.path_of(offer.file, folder).read_bytes() == LOG
    assert len(list(folder.iterdir())) == 1


def test_what_a_device_sends_is_not_kept_once_it_is_shut_out(door, folder):
    offer = announce(door)

    def slow():
        yield LOG[:600]
        with transaction():
            door.revoked_at = NOW
        yield LOG[600:]

    with pytest.raises(NotFound):
        files.receive(offer.file, slow(), offset=0, folder=folder, now=NOW)
    assert offer.file.state == "waiting"


def test_what_has_expired_and_what_belongs_to_nobody_is_swept(door, folder):
    receive(announce(door), LOG, folder)
    unfinished = announce(door, b"never", name="never.log")
    (folder / "left-by-a-deleted-device").write_bytes(LOG)

    kept_files.sweep(folder=folder, now=NOW)
    assert len(list(folder.iterdir())) == 1
    kept_files.sweep(folder=folder, now=NOW + files.URL_LIFETIME + timedelta(days=1, seconds=1))
    assert db.session.get(DeviceFile, unfinished.file.id) is None
    assert db.session.query(DeviceFile).count() == 1
    kept_files.sweep(folder=folder, now=NOW + files.KEPT + timedelta(seconds=1))
    assert (db.session.query(DeviceFile).count(), list(folder.iterdir())) == (0, [])
