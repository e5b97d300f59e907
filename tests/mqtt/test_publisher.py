import threading
import time

import pytest

from mqtt.mosquitto import server_login
from mqtt.publisher import MqttPublisher
from tests.stack import until


@pytest.fixture
def publisher(settings, mosquitto):
    made = MqttPublisher(settings)
    made.start()
    until(lambda: made.connected)
    yield made
    made.stop()


@pytest.fixture
def listener(settings, publisher, speak):
    heard = speak(*server_login(settings, "listener"))
    heard.subscribe("gatehouse/#")
    return heard


def test_a_message_arrives_and_the_sender_hears_of_it(publisher, listener):
    taken = []
    assert publisher.publish("gatehouse/c/commands", b"x", on_taken=taken.append)
    until(lambda: listener.got == [("gatehouse/c/commands", b"x")])
    until(lambda: taken == [True])


def test_a_topic_without_subscribers_is_told(publisher):
    taken = []
    assert publisher.publish("gatehouse/c/commands", b"x", on_taken=taken.append)
    until(lambda: taken == [False])


def test_nothing_is_sent_later(settings, mosquitto, publisher, speak):
    mosquitto.stop()
    until(lambda: not publisher.connected)
    assert not publisher.publish("gatehouse/c/commands", b"late", retain=True)

    mosquitto.start()
    until(lambda: publisher.connected)
    listener = speak(*server_login(settings, "listener"))
    listener.subscribe("gatehouse/#")
    publisher.publish("gatehouse/c/commands", b"now")
    until(lambda: listener.got)
    assert listener.got == [("gatehouse/c/commands", b"now")]


def test_it_is_back_soon_after_the_broker(mosquitto, publisher):
    mosquitto.stop()
    until(lambda: not publisher.connected)
    mosquitto.start()
    until(lambda: publisher.connected)


def test_a_broker_that_dies_while_many_publish_holds_up_nobody(mosquitto, publisher):
    over = threading.Event()

    def go_on() -> None:
        while not over.is_set():
            publisher.publish("gatehouse/c/telemetry", b"x" * 1000)

    threads = [threading.Thread(target=go_on, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        mosquitto.stop()
        until(lambda: not publisher.connected)
        mosquitto.start()
        until(lambda: publisher.connected)
    over.set()
    for thread in threads:
        thread.join(5)
    assert not [thread for thread in threads if thread.is_alive()]


def test_a_message_that_expired_is_not_delivered_to_who_was_away(
    settings, mosquitto, publisher, speak
):
    login = server_login(settings, "listener")
    asleep = speak(*login, clean_session=False)
    asleep.subscribe("gatehouse/#")
    asleep.close()

    sent_at = time.monotonic()
    publisher.publish("gatehouse/c/commands", b"short", expires_in_s=0.3)
    publisher.publish("gatehouse/c/config", b"kept")
    until(lambda: time.monotonic() - sent_at > 2.1, 5)  # MQTT knows whole seconds only

    awake = speak(*login, clean_session=False)
    until(lambda: awake.got)
    assert awake.got == [("gatehouse/c/config", b"kept")]


@pytest.mark.parametrize("topic", ["gatehouse/+/commands", "gatehouse/#"])
def test_a_topic_that_is_none_is_not_sent_and_breaks_nothing(publisher, topic):
    assert not publisher.publish(topic, b"x")
    assert publisher.publish("gatehouse/c/commands", b"x")


def test_a_failing_callback_breaks_nothing(publisher):
    taken = []

    def fail(_heard: bool) -> None:
        raise RuntimeError("boom")

    publisher.publish("gatehouse/c/commands", b"1", on_taken=fail)
    publisher.publish("gatehouse/c/commands", b"2", on_taken=taken.append)
    until(lambda: taken == [False])


def test_a_thousand_messages_from_ten_threads_are_all_confirmed(publisher, listener):
    taken = []

    def send() -> None:
        for _ in range(100):
            assert publisher.publish("gatehouse/c/commands", b"x", on_taken=taken.append)

    threads = [threading.Thread(target=send) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: len(taken) == 1000)
    assert all(taken)
    until(lambda: len(listener.got) == 1000)


def test_it_waits_for_a_broker_that_is_not_there_yet(settings):
    made = MqttPublisher(settings)
    made.start()
    assert not made.connected
    assert not made.publish("gatehouse/c/commands", b"x")
    made.stop()


def test_a_refused_login_is_tried_again(settings, mosquitto):
    from mqtt.mosquitto import folder_of

    file = folder_of(settings) / "server-publisher.password"
    right = file.read_text()
    file.write_text("wrong")
    made = MqttPublisher(settings)
    made.start()
    log = folder_of(settings) / "log"
    until(lambda: "not authorised" in log.read_text())
    assert not made.connected
    file.write_text(right)
    until(lambda: made.connected)
    made.stop()
