"""Many doors at once: each hears what it was asked, once, and nothing of the others."""

from collections import Counter

from tests.api.conftest import close, installation
from tests.e2e.street import settled, street
from tests.stack import until


def test_of_many_commands_to_many_doors_none_is_lost_and_none_doubled(tmp_path):
    server = installation(tmp_path)
    with street(server, 10) as doors:
        asked = doors.presses(60, a_second=100)
        until(lambda: settled(doors, 60), what="every command is done")
        wanted = Counter((door, command) for door, command, _at in asked)
        assert Counter((door, command) for door, command, _at in doors.heard) == wanted
        assert max(wanted.values()) == 1
    close(server)
