"""The thread that empties the outbox; `flask work` runs the same in a process of its own."""

import logging
import time
from datetime import datetime, timedelta
from threading import Event, Thread

from flask import Flask

from clock import utcnow
from notify import channels, local, outbox, post
from notify.outbox import Claimed
from notify.post import Post
from notify.smtp import RecipientRefused, SenderFailed

LOOK_EVERY_S = 5.0  # for messages of other processes, which cannot ring the bell
PRUNE_EVERY_S = 3600.0
STOP_WITHIN_S = 5.0

log = logging.getLogger("gatehouse.outbox")


class Worker:
    """Sends what waits, as soon as the bell rings."""

    def __init__(self, server: Flask) -> None:
        self._server = server
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="outbox", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """End after the message that is on its way, waiting STOP_WITHIN_S for it at most.

        What was not sent stays in the outbox.
        """
        self._stopping.set()
        self._bell.set()
        self._thread.join(STOP_WITHIN_S)

    @property
    def _bell(self) -> Event:
        bell: Event = self._server.extensions["notify"].bell
        return bell

    def _run(self) -> None:
        pruned = float("-inf")
        while not self._stopping.is_set():
            self._bell.clear()
            try:
                with self._server.app_context():
                    run_once(utcnow(), self._stopping)
                    if time.monotonic() - pruned > PRUNE_EVERY_S:
                        outbox.prune(utcnow())
                        pruned = time.monotonic()
            except Exception:  # the database may be away; the next round tries again
                log.exception("the outbox could not be emptied")
            self._bell.wait(LOOK_EVERY_S)


def run_once(now: datetime, stopping: Event | None = None) -> int:
    """Try every message that is due; needs an application context.

    Args:
        now: when this begins; claims and delays count from here.
        stopping: ends the round after the message at hand when it is set.

    Returns:
        How many messages were tried.
    """
    began = time.monotonic()

    def moment() -> datetime:
        return now + timedelta(seconds=time.monotonic() - began)

    outbox.release_stale(now)
    tried = 0
    while ids := outbox.due(moment()):
        for message_id in ids:
            if stopping is not None and stopping.is_set():
                return tried
            at = moment()
            if (message := outbox.claim(message_id, at)) is not None:
                _send(message, post.current(), at)
                tried += 1
    return tried


def _send(message: Claimed, parts: Post, now: datetime) -> None:
    if message.channel != "mail":
        _send_by_channel(message, parts, now)
    elif parts.settings.mail_suppress_send:
        outbox.sent(message, sender="suppressed", now=now)
    elif parts.senders.local:
        _keep_here(message, parts, now)
    else:
        _send_by_smtp(message, parts, now)


def _send_by_channel(message: Claimed, parts: Post, now: datetime) -> None:
    try:
        channels.send(message, parts.settings)
    except channels.ChannelFailed as error:
        log.warning("%s did not take a message: %s", message.channel, error)
        if message.fallback:
            outbox.fall_back(message, str(error), now=now)
        else:
            _later(message, str(error), message.channel, now)
    else:
        outbox.sent(message, sender=message.channel, now=now)


def _keep_here(message: Claimed, parts: Post, now: datetime) -> None:
    folder = local.folder_of(parts.settings.instance_dir)
    try:
        local.deliver(message, folder=folder, site=parts.settings.url)
    except OSError as error:
        log.error("the local outbox cannot be written: %s", error)
        _later(message, str(error), "outbox", now)
    else:
        outbox.sent(message, sender="outbox", now=now)


def _send_by_smtp(message: Claimed, parts: Post, now: datetime) -> None:
    senders = parts.senders
    sender = senders.pick(now, besides=message.sender)
    if sender is None:  # all are resting: the attempt did not happen
        outbox.release(message, due_at=senders.well_at() or now + outbox.BACK_OFF[0])
        return
    try:
        sender.send(message, now=now)
    except SenderFailed as error:
        log.warning("sender %s failed: %s", sender.label, error)
        senders.failed(sender, now)
        if senders.pick(now) is not None:
            outbox.postpone(message, str(error), sender=sender.label, due_at=now)
        else:
            _later(message, str(error), sender.label, now)
    except RecipientRefused as error:
        if error.permanent and message.attempts >= len(senders.all):
            outbox.failed(message, str(error), sender=sender.label)
        elif error.permanent:  # another sender may be welcome there
            outbox.postpone(message, str(error), sender=sender.label, due_at=now)
        else:
            _later(message, str(error), sender.label, now)
    else:
        senders.succeeded(sender)
        outbox.sent(message, sender=sender.label, now=now)


def _later(message: Claimed, error: str, sender: str, now: datetime) -> None:
    if now - message.created_at > outbox.GIVE_UP_AFTER:
        log.error("message %s is given up: %s", message.message_id, error)
        outbox.failed(message, error, sender=sender)
    else:
        due_at = now + outbox.back_off(message)
        outbox.postpone(message, error, sender=sender, due_at=due_at)
