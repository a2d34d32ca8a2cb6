"""Tests of requests: their window, page and signature, and what is refused."""

from __future__ import annotations

import pytest

from orders_sync.domain.errors import PlatformError
from orders_sync.domain.windows import SECOND, Window
from orders_sync.platforms.testing.sample import NOW, SECRET, WINDOW, PlatformSample


class RequestContract(PlatformSample):
    def test_request_asks_from_the_start_to_the_end_in_platform_time(self) -> None:
        request = self.platform.request(self.account(), self.query(), NOW)
        asked = self.asked(request)
        assert (asked.start, asked.end) == (WINDOW.start, WINDOW.end)
        assert (asked.page_no, asked.page_size) == (3, self.page_sizes_taken[-1])

    def test_one_second_window_is_asked_with_both_its_ends_for_times_may_have_fractions(self) -> None:
        window = Window(WINDOW.start, WINDOW.start + SECOND)
        asked = self.asked(self.platform.request(self.account(), self.query(window=window), NOW))
        assert (asked.start, asked.end) == (window.start, window.end)

    def test_request_goes_to_the_account_s_base_url(self) -> None:
        account = self.account(base_url="http://sandbox.test:8080/prefix/")
        url = self.platform.request(account, self.query(), NOW).url
        assert (url.host, url.port) == ("sandbox.test", 8080)
        assert url.path.startswith("/prefix/")
        assert "//" not in url.path

    def test_request_is_signed_by_the_secret(self) -> None:
        one = self.signature(self.platform.request(self.account(), self.query(), NOW))
        other = self.signature(self.platform.request(self.account(app_secret="another"), self.query(), NOW))
        assert one
        assert one != other

    def test_page_sizes_the_platform_takes_are_asked_as_they_are(self) -> None:
        for size in self.page_sizes_taken:
            request = self.platform.request(self.account(), self.query(page_size=size), NOW)
            assert self.asked(request).page_size == size

    def test_page_sizes_beyond_the_platform_raise_value_error(self) -> None:
        for size in self.page_sizes_refused:
            with pytest.raises(ValueError):
                self.platform.request(self.account(), self.query(page_size=size), NOW)

    def test_pages_count_from_one(self) -> None:
        self.platform.request(self.account(), self.query(page_no=1), NOW)
        with pytest.raises(ValueError):
            self.platform.request(self.account(), self.query(page_no=0), NOW)

    def test_longest_window_is_asked_at_once(self) -> None:
        longest = Window(WINDOW.start, WINDOW.start + self.platform.longest_window)
        asked = self.asked(self.platform.request(self.account(), self.query(window=longest), NOW))
        assert (asked.start, asked.end) == (longest.start, longest.end)

    def test_feed_the_platform_does_not_have_raises_value_error(self) -> None:
        for feed in set(type(self.platform.feed)) - self.platform.feeds:
            with pytest.raises(ValueError):
                self.platform.request(self.account(), self.query(feed=feed), NOW)

    def test_default_feed_and_page_size_are_among_what_is_taken(self) -> None:
        assert self.platform.feed in self.platform.feeds
        for feed in self.platform.feeds:
            self.platform.request(self.account(), self.query(feed=feed, page_size=self.platform.page_size), NOW)

    def test_secret_is_in_no_repr_no_request_and_no_error(self) -> None:
        account = self.account()
        request = self.platform.request(account, self.query(), NOW)
        shown = [repr(account), str(account), repr(self.platform), repr(request), str(request.url)]
        shown += [repr(request.headers.raw), request.read().decode()]
        for changes in ({"page_size": -1}, {"page_no": 0}):
            with pytest.raises(ValueError) as error:
                self.platform.request(account, self.query(**changes), NOW)
            shown.append(repr(error.value))
        bodies = [self.error(self.unknown_code, "x"), b"", b"<html>", b"[]", self.sample[:-20]]
        bodies += [self.error(code, code) for code in (*self.platform.refused_codes, *self.platform.throttled_codes)]
        for body in bodies:
            with pytest.raises(PlatformError) as failed:
                self.platform.page(account, body)
            shown += [repr(failed.value), str(failed.value), repr(vars(failed.value))]
        assert not [text for text in shown if SECRET in text]
