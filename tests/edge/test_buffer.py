import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edge.buffer import Buffer
from edge.packing import MAX_READINGS, pack

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "buffer.sqlite"


def bodies(buffer: Buffer) -> list[str]:
    return [row.body for row in buffer.after(0, urgent=False, limit=100_000)]


def test_rows_come_out_in_the_order_in_which_they_went_in(path):
    buffer = Buffer(path)
    for number in range(10):
        buffer.append("telemetry", 10 - number, str(number))

    assert bodies(buffer) == [str(number) for number in range(10)]
    buffer.close()


def test_rows_are_there_after_the_process_was_killed(path):
    program = (
        "import os, signal, sys; from pathlib import Path; from edge.buffer import Buffer\n"
        "buffer = Buffer(Path(sys.argv[1]))\n"
        "for number in range(500): buffer.append('telemetry', number, str(number))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )

    ended = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )

    assert ended.returncode == -signal.SIGKILL
    buffer = Buffer(path)
    assert bodies(buffer) == [str(number) for number in range(500)]
    buffer.close()


def test_a_full_buffer_gives_up_the_oldest_and_counts_them(path):
    buffer = Buffer(path, max_bytes=10_000)
    for number in range(5_000):
        buffer.append("telemetry", number, f"{number:0100}")

    left = bodies(buffer)
    assert 50 < len(left) <= 100
    assert left == [f"{number:0100}" for number in range(5_000 - len(left), 5_000)]
    assert buffer.dropped == 5_000 - len(left)
    buffer.close()
    assert path.stat().st_size < 200_000

    again = Buffer(path, max_bytes=10_000)
    assert again.dropped == 5_000 - len(left)
    again.close()


def test_removed_rows_make_room_for_new_ones(path):
    buffer = Buffer(path, max_bytes=10_000)
    for turn in range(100):
        for _ in range(50):
            buffer.append("telemetry", turn, "x" * 100)
        buffer.remove([row.id for row in buffer.after(0, urgent=False, limit=50)])

    assert (len(buffer), buffer.dropped) == (0, 0)
    buffer.close()


def test_a_damaged_file_is_put_aside_and_the_device_goes_on(path):
    path.write_bytes(b"this was a database once" * 100)

    buffer = Buffer(path)
    buffer.append("telemetry", 1, "1")

    assert bodies(buffer) == ["1"]
    assert path.with_name("buffer.sqlite.broken").exists()
    buffer.close()


def test_one_row_is_an_object_and_many_are_a_batch():
    buffer = Buffer()
    buffer.append("telemetry", 5, '{"a":1}')
    alone = pack(buffer, 0, urgent=False, max_bytes=1000)
    buffer.append("telemetry", 6, '{"a":2}')
    together = pack(buffer, 0, urgent=False, max_bytes=1000)

    assert alone.payload == b'{"ts":5,"values":{"a":1}}'
    assert together.payload == b'[{"ts":5,"values":{"a":1}},{"ts":6,"values":{"a":2}}]'
    assert together.ids == [1, 2]


def test_a_batch_stays_below_the_limits_of_a_message():
    buffer = Buffer()
    wide = "{" + ",".join(f'"s{number}":{number}' for number in range(200)) + "}"
    buffer.extend("telemetry", [(ts, wide) for ts in range(100)])

    by_size = pack(buffer, 0, urgent=False, max_bytes=20_000)
    by_count = pack(buffer, 0, urgent=False, max_bytes=10**9)

    assert len(by_size.payload) <= 20_000
    assert len(by_size.ids) == 20_000 // (len(wide) + 20)
    assert len(by_count.ids) == MAX_READINGS // 200


def test_a_row_larger_than_a_message_goes_alone():
    buffer = Buffer()
    buffer.extend("telemetry", [(1, '{"a":"' + "x" * 500 + '"}'), (2, '{"a":1}')])

    assert pack(buffer, 0, urgent=False, max_bytes=100).ids == [1]


def test_answers_to_commands_are_messages_of_their_own():
    buffer = Buffer()
    buffer.append("telemetry", 1, '{"a":1}')
    for number in range(2):
        buffer.append("commands/ack", None, f'{{"id":{number}}}', urgent=True)

    packed = pack(buffer, 0, urgent=True, max_bytes=1000)

    assert (packed.rest, packed.payload, packed.ids) == ("commands/ack", b'{"id":0}', [2])
