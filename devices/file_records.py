"""A CSV file as records: its encoding, separator and quotes, and the line of each record."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import NamedTuple

from devices import file_cells, file_forms
from errors import Invalid
from notify.mark import N_

UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # spreadsheets mark such files
LONGEST_CELL = 1_048_576  # characters; a longer one is a quote that nobody closed
LONGEST_LINE = 1_048_576  # characters; a line of separators only is 64 times as large in memory
MOST_ROWS = 5_000_000

csv.field_size_limit(LONGEST_CELL)


class Record(NamedTuple):
    """One record of a file.

    Attributes:
        line: at which it begins.
        cells: those in quotes behind `file_cells.TEXT`, where that says that they are texts.
    """

    line: int
    cells: list[str]


class Document:
    """A CSV file.

    Attributes:
        comma: whether its numbers have a decimal comma.
        returns: whether its lines end in CRLF.
        unended: whether its last line has no end: it may be cut.
    """

    def __init__(self, data: bytes) -> None:
        """Look at a file.

        Raises:
            Invalid: it is not UTF-8, or a line is too long.
        """
        self._data = data
        if b"\0" in data[:1000] and not data.startswith(UTF16):
            raise Invalid("not_utf8", N_("This file is not UTF-8. Save it as CSV in UTF-8."))
        with self._readable():
            head, second = [*islice(self._lines(), 2), "", ""][:2]
        self._separator = _separator(head)
        self._exported = file_forms.is_as_exported(head, second, self._separator)
        self.comma = self._separator == ";"
        self.returns = head.endswith("\r\n")
        self.unended = data[-2:].rstrip(b"\0")[-1:] not in {b"\n", b"\r"}

    def records(self) -> Iterator[Record]:
        """Yield the head, and each record that is not empty.

        Raises:
            Invalid: it is not UTF-8, not CSV, or too long.
        """
        lines = self._lines()
        if self._exported:
            lines = file_cells.quotes_marked(lines)
        rows = csv.reader(lines, delimiter=self._separator, strict=True)
        count, begins = -1, 1
        try:
            with self._readable():
                for cells in rows:
                    if count < 0 or any(cells):
                        count += 1
                        yield Record(begins, cells)
                    check_length(count)
                    begins = rows.line_num + 1
        except csv.Error as error:
            raise _unreadable(begins) from error

    def _lines(self) -> Iterator[str]:
        encoding = "utf-16" if self._data.startswith(UTF16) else "utf-8-sig"
        text = io.TextIOWrapper(io.BytesIO(self._data), encoding, newline="")
        for number, line in enumerate(text, 1):
            if len(line) > LONGEST_LINE:
                raise _unreadable(number)
            yield line.replace("\0", "\ufffd")

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except UnicodeDecodeError as error:
            raise Invalid(
                "not_utf8",
                N_("This file is not UTF-8: look at line %(line)s."),
                line=self._line_of_fault(),
            ) from error

    def _line_of_fault(self) -> int:
        try:
            self._data.decode("utf-16" if self._data.startswith(UTF16) else "utf-8")
        except UnicodeDecodeError as error:
            return self._data.count(b"\n", 0, error.start) + 1
        return 1


def check_length(readings: int) -> None:
    """Refuse a file of too many lines, or of so many readings in fewer lines.

    Raises:
        Invalid: file_too_long.
    """
    if readings > MOST_ROWS:
        raise Invalid("file_too_long", N_("At most %(most)s lines at once."), most=MOST_ROWS)


def _unreadable(line: int) -> Invalid:
    return Invalid("file_unreadable", N_("Line %(line)s is no CSV: is the file cut?"), line=line)


def _separator(head: str) -> str:
    """Return what stands between the cells of a first line, whatever is in its quotes."""
    plain = re.sub(file_forms.QUOTED, "", head)
    return max(",;\t", key=plain.count)
