"""What holds on SQLite holds on PostgreSQL: the same tests, and twenty at once."""

# ruff: noqa: F401  the imported tests are run here too

import threading

from sqlalchemy import select, update

import wiring
from db.base import db, transaction
from db.models import User
from tests.api.test_devices import (
    test_a_deleted_device_is_gone_with_its_readings,
    test_adding_a_device_shows_its_secrets_this_once,
    test_ids_that_are_taken_are_409,
    test_renaming_has_three_answers,
    test_settings_change_and_what_is_left_out_stays,
    test_the_list_comes_in_pages_that_nothing_shifts,
)
from tests.api.test_idempotency import test_of_twenty_at_once_one_is_carried_out
from tests.api.test_imports import test_a_file_is_looked_at_and_then_taken
from tests.api.test_readings import (
    test_all_readings_come_in_pages,
    test_an_export_holds_what_one_may_see_and_nothing_else,
    test_csv_of_one_sensor_is_a_download,
    test_many_readings_come_in_buckets_with_their_true_extremes,
)
from tests.api.test_refresh import test_twenty_refreshes_at_once_make_one_generation
from tests.api.test_registration import (
    test_a_person_claims_it_with_the_code_that_it_shows,
    test_twenty_registrations_at_once_make_one_device,
)
from tests.cli.test_devices import owner, run
from tests.cli.test_import_readings import (
    test_a_file_is_looked_at_and_then_taken as test_a_file_is_taken_from_the_shell,
)


def test_everything_is_in_postgresql(server):
    assert db.engine.dialect.name == "postgresql"
    assert wiring.current().store.engine.dialect.name == "postgresql"


def test_twenty_who_check_first_and_then_act_take_turns(server, person):
    """What a count says must still be true when the row that follows from it is written."""
    user = person()
    threads = [threading.Thread(target=raise_epoch, args=(server, user.id)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    db.session.rollback()
    assert db.session.scalar(select(User.epoch).where(User.id == user.id)) == user.epoch + 20


def raise_epoch(server, user_id: int) -> None:
    with server.app_context():
        with transaction() as session:
            epoch = session.scalar(select(User.epoch).where(User.id == user_id))
            session.execute(update(User).where(User.id == user_id).values(epoch=epoch + 1))
        db.session.remove()
