"""Which lines of a log are in view: those of one source, with some words in them."""

from __future__ import annotations

from bisect import bisect_left

from nninspect.ui.log_book import Entry, LogBook, Source


class LogSight:
    """The numbers of the lines in view, in their order; brought up to date when asked to."""

    def __init__(self, book: LogBook) -> None:
        self.book = book
        self.query = ""
        """Lower case; "" takes every line."""
        self.searched = ""
        """The last query there was, for going on to its next match without the filter."""
        self.source: Source | None = None
        self.numbers: list[int] = []
        self._seen = 0

    def choose(self, query: str, source: Source | None) -> None:
        """See other lines."""
        self.query, self.source = query.strip().lower(), source
        self.searched = self.query or self.searched
        self.numbers, self._seen = [], self.book.first
        self.catch_up()

    def catch_up(self) -> None:
        """Take what was written meanwhile, and let go of what the book let go of."""
        del self.numbers[: bisect_left(self.numbers, self.book.first)]
        start = max(self._seen, self.book.first)
        self.numbers += (n for n in range(start, self.book.end) if self.has(self.book[n]))
        self._seen = self.book.end

    def has(self, entry: Entry) -> bool:
        """Whether a line is one of those in view."""
        is_of = self.source is None or entry.source == self.source
        return is_of and (not self.query or self.query in entry.text.lower())

    def place(self, number: int) -> int:
        """Where a line stands in view, or the one after it that does."""
        return bisect_left(self.numbers, number)

    def match(self, number: int, step: int) -> int | None:
        """The next line with what was searched, after (step 1) or before, round the end."""
        found = [n for n in self.numbers if self.searched in self.book[n].text.lower()]
        if not found or not self.searched:
            return None
        place = bisect_left(found, number + (step > 0)) - (step < 0)
        return found[place % len(found)]
