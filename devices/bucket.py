"""Lets each device send so many messages a second on average, and five times that at once."""

BURST = 5


class Bucket:
    """Tokens of one device; one message takes one."""

    __slots__ = ("_at_ms", "_rate", "_tokens", "_unbounded_until_ms")

    def __init__(self, rate: float, now_ms: int) -> None:
        self._rate = rate
        self._tokens = rate * BURST
        self._at_ms = now_ms
        self._unbounded_until_ms = 0

    def take(self, now_ms: int) -> bool:
        """Return whether one more message is within the rate."""
        self._tokens += self._rate * max(0, now_ms - self._at_ms) / 1000
        self._at_ms = now_ms
        if now_ms > self._unbounded_until_ms:
            self._tokens = min(self._tokens, self._rate * BURST)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def grant(self, away_ms: int, until_ms: int) -> None:
        """Allow what the broker may have held back while nobody listened for `away_ms`."""
        self._tokens += self._rate * away_ms / 1000
        self._unbounded_until_ms = until_ms
