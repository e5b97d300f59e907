"""Follows a log that another program writes and that is moved aside once in a while."""

from collections.abc import Iterator
from os import fstat
from pathlib import Path

BLOCK = 1 << 20
HEAD = 100  # bytes by which a file is known again; its number may have been another one's


class LogFile:
    """A log by its path; gives each whole line once, also those from before it was moved aside."""

    def __init__(self, path: Path, aside: Path) -> None:
        """Prepare; nothing is read before the first look.

        Args:
            path: of the log.
            aside: where the older half of it lies, if there is one.
        """
        self._places = (aside, path)
        self._number = 0  # of the file that is being read
        self._head = b""  # what it begins with
        self._offset = 0
        self.missed = False  # whether lines were lost since this was set to False

    def lines(self) -> Iterator[str]:
        """Yield what was written since the last look."""
        if not self._number:
            any(self._begin(place) for place in self._places)
        while self._number:
            # before the end is read: who writes the next one writes no more into this one
            following = self._places[-1]
            is_over = following.exists() and not self._is_it(following)
            yield from self._rest()
            if not is_over or not self._begin(following):
                return

    def _begin(self, place: Path) -> bool:
        try:
            with place.open("rb") as file:
                self._number, self._head = fstat(file.fileno()).st_ino, file.read(HEAD)
        except FileNotFoundError:
            return False
        self._offset = 0
        return True

    def _is_it(self, place: Path) -> bool:
        try:
            with place.open("rb") as file:
                same = fstat(file.fileno()).st_ino == self._number
                return same and file.read(len(self._head)) == self._head
        except FileNotFoundError:
            return False

    def _rest(self) -> Iterator[str]:
        place = next((place for place in self._places if self._is_it(place)), None)
        if place is None:
            self.missed = True
            return
        with place.open("rb") as file:
            file.seek(self._offset)
            while block := file.read(BLOCK):
                whole, ended, _ = block.rpartition(b"\n")
                if not ended:
                    return  # the last line may still be written
                self._offset += len(whole) + 1
                file.seek(self._offset)
                for line in whole.split(b"\n"):
                    yield line.decode(errors="replace")
