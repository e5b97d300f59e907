"""Downloads of files on PostgreSQL: the same tests, with real races between connections."""

# ruff: noqa: F401  the imported tests are run here too

from tests.api.test_file_downloads import (
    address,
    test_a_device_goes_on_with_its_own_download_at_once,
    test_a_download_that_stands_still_is_released_and_does_not_go_on,
    test_of_many_at_once_one_is_sent,
    test_several_servers_are_one,
    test_what_was_cut_begins_anew_at_once,
    test_while_one_is_sent_another_waits_and_is_told_how_long,
)
