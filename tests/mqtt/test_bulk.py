"""The bulk client still finds in paho what it leans on, and works without it."""

from paho.mqtt.enums import CallbackAPIVersion

from mqtt.bulk import BulkClient


def client():
    return BulkClient(CallbackAPIVersion.VERSION2, "c", manual_ack=True)


def queued(made):
    return b"".join(bytes(packet["packet"]) for packet in made._out_packet)


def test_acknowledgements_of_a_batch_are_one_piece_in_order():
    made = client()

    made.ack_all([1, 2, 65_535])
    made.ack_all([])

    assert queued(made) == bytes.fromhex("40020001 40020002 4002ffff")
    assert len(made._out_packet) == 1


def test_without_the_private_name_each_is_sent_as_paho_does_it(monkeypatch):
    one, other = client(), client()
    one.ack_all([1, 2])
    sent = []
    monkeypatch.setattr(other, "_packet_queue", None)
    monkeypatch.setattr(other, "ack", lambda mid, qos: sent.append((mid, qos)))

    other.ack_all([1, 2])

    assert sent == [(1, 1), (2, 1)]


def test_paho_itself_would_send_the_same_bytes():
    one, other = client(), client()
    one.ack_all([7, 8])
    other.ack(7, 1)
    other.ack(8, 1)

    assert queued(one) == queued(other)
