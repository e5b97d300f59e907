"""The bulk client still finds in paho what it leans on, and works without it."""

import socket

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from mqtt.bulk import LEANS_ON, BulkClient
from mqtt.frames import Publication, cut, publication

HELLO = b"\x32\x09\x00\x01t\x00\x07data"  # QoS 1, id 7
LOUD = b"\x31\x85\x01\x00\x02\xff\xfe" + b"x" * 129  # QoS 0, retained, no text as topic
SUBACK = b"\x90\x03\x00\x01\x01"


@pytest.fixture
def broker():
    """Two ends of a connection; the first one is the client's."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    yield ours, theirs
    ours.close()
    theirs.close()


def client(*, connected_to=None, **more):
    got = []
    made = BulkClient(
        CallbackAPIVersion.VERSION2, "c", manual_ack=True, on_messages=got.append, **more
    )
    made._sock = connected_to
    return made, got


def queued(made):
    return b"".join(bytes(packet["packet"]) for packet in made._out_packet)


def test_paho_still_has_what_is_leaned_on():
    plain = Client(CallbackAPIVersion.VERSION2, "c")
    assert [name for name in LEANS_ON if not hasattr(plain, name)] == []
    assert client()[0].in_bulk


def test_messages_come_together_and_other_packets_go_to_paho(broker):
    ours, theirs = broker
    made, got = client(connected_to=ours)
    subscribed = []
    made.on_subscribe = lambda *given: subscribed.append(given[2])
    theirs.sendall(HELLO + HELLO + SUBACK + LOUD)

    assert made.loop_read() == MQTTErrorCode.MQTT_ERR_SUCCESS

    hello = Publication(b"t", b"data", 7, False, False)
    assert got == [[hello, hello], [Publication(b"\xff\xfe", b"x" * 129, 0, True, False)]]
    assert subscribed == [1]


def test_packets_may_be_cut_anywhere(broker):
    ours, theirs = broker
    made, got = client(connected_to=ours)
    for byte in HELLO + LOUD + HELLO:
        theirs.sendall(bytes([byte]))
        made.loop_read()

    assert [one.mid for some in got for one in some] == [7, 0, 7]


def test_both_ways_of_reading_say_the_same(broker, monkeypatch):
    ours, theirs = broker
    made, got = client(connected_to=ours)
    theirs.sendall(HELLO + LOUD)
    made.loop_read()
    bulk = [one for some in got for one in some]
    monkeypatch.setattr("mqtt.bulk.LEANS_ON", ("_no_such_name",))
    plain, got = client(connected_to=ours)
    assert not plain.in_bulk
    theirs.sendall(HELLO + LOUD)
    while len(got) < 2:
        assert plain.loop_read() == MQTTErrorCode.MQTT_ERR_SUCCESS

    assert [one for some in got for one in some] == bulk


@pytest.mark.parametrize(
    "nonsense",
    [b"\x32\xff\xff\xff\xff\x01", b"\x32\x02\x00\x09", b"\x32\x03\x00\x01t"],
    ids=["length without end", "topic beyond the end", "no id"],
)
def test_what_is_no_mqtt_ends_the_connection(broker, nonsense):
    ours, theirs = broker
    made, got = client(connected_to=ours)
    theirs.sendall(nonsense)

    assert made.loop_read() == MQTTErrorCode.MQTT_ERR_PROTOCOL
    assert made.socket() is None
    assert got == []


def test_an_ended_connection_is_noticed(broker):
    ours, theirs = broker
    made, _ = client(connected_to=ours)
    theirs.close()

    assert made.loop_read() == MQTTErrorCode.MQTT_ERR_CONN_LOST


def test_a_message_of_qos_2_is_none_of_ours():
    ((packet, *_), _left) = cut(b"\x34" + HELLO[1:])
    assert publication(packet) is None


def test_over_websockets_paho_reads_by_itself():
    assert not client(transport="websockets")[0].in_bulk


def test_acknowledgements_of_a_batch_are_one_piece_in_order():
    made, _ = client()

    made.ack_all([1, 2, 65_535])
    made.ack_all([])

    assert queued(made) == bytes.fromhex("40020001 40020002 4002ffff")
    assert len(made._out_packet) == 1


def test_without_a_private_name_each_is_sent_as_paho_does_it(monkeypatch):
    monkeypatch.setattr("mqtt.bulk.LEANS_ON", ("_no_such_name",))
    made, _ = client()
    sent = []
    monkeypatch.setattr(made, "ack", lambda mid, qos: sent.append((mid, qos)))

    made.ack_all([1, 2])

    assert sent == [(1, 1), (2, 1)]


def test_paho_itself_would_send_the_same_bytes():
    (one, _), (other, _) = client(), client()
    one.ack_all([7, 8])
    other.ack(7, 1)
    other.ack(8, 1)

    assert queued(one) == queued(other)
