"""Segments and the retention clock (LOG_FORMAT.md section 6)."""

from calendar import monthrange
from datetime import date, datetime, timedelta, timezone

JAPAN = timezone(timedelta(hours=9))


def day_of(unix_ms):
    """The calendar day in Japan."""
    return datetime.fromtimestamp(unix_ms // 1000, JAPAN).date()


def segment_of(unix_ms):
    day = day_of(unix_ms)
    return day.year * 100 + day.month


def last_day_of(segment):
    year, month = divmod(segment, 100)
    return date(year, month, monthrange(year, month)[1])


def a_day_after(segment):
    """The Unix seconds of the moment a day after the end of a month in Japan."""
    begins = datetime.combine(last_day_of(segment), datetime.min.time(), JAPAN)
    return int(begins.timestamp()) + 2 * 24 * 3600


def kept_through(logged, years):
    """The last day of a period of whole years that begins on the day after `logged`."""
    begins = logged + timedelta(days=1)
    year, month = begins.year + years, begins.month
    if begins.day > monthrange(year, month)[1]:
        return date(year, month, monthrange(year, month)[1])
    return date(year, month, begins.day) - timedelta(days=1)


def segment_kept_through(segment, years):
    return kept_through(last_day_of(segment), years)


def longest_rule(rules, first, last):
    """The most years that were in force at any time of two days.

    `rules` are (day from which it is in force, years), ascending; each ends where the next begins.
    """
    years = 0
    for place, (begins, value) in enumerate(rules):
        ends = rules[place + 1][0] if place + 1 < len(rules) else date.max
        if begins <= last and first < ends:
            years = max(years, value)
    return years
