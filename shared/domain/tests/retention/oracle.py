"""The retention clock by walking days, from the words of LOG_FORMAT.md section 6 and nothing else.

Knows no date arithmetic: it turns the calendar's pages one by one, notes under each day's name which
periods begin there, and closes them when a day of that name comes round again.

Prints, for every day of the span, that day and the last days of periods of 1, 2, ... years.

Usage: oracle.py FIRST_YEAR LAST_YEAR YEARS_MAX
"""

import sys
from collections import defaultdict

LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def is_leap(year):
    if year % 400 == 0:
        return True
    return year % 4 == 0 and year % 100 != 0


def days(first_year, last_year):
    """Every day, one after the other, as (year, month, day)."""
    for year in range(first_year, last_year + 1):
        for month, length in enumerate(LENGTHS, start=1):
            if month == 2 and is_leap(year):
                length = 29
            for day in range(1, length + 1):
                yield year, month, day


def walk(first_year, last_year):
    """The last kept day of each (day made on, years)."""
    begun = defaultdict(list)
    ends = {}

    def close(name, year, last_day):
        for year_begun, made_on in begun[name]:
            if year_begun < year:
                ends[made_on, year - year_begun] = last_day

    yesterday = None
    for today in days(first_year, last_year):
        year, month, day = today
        # The period ends with the day before the one of the same name ...
        close((month, day), year, yesterday)
        if yesterday is not None:
            # ... or with the last day of the month that has no such day.
            if day == 1:
                for missing in range(yesterday[2] + 1, 32):
                    close((yesterday[1], missing), yesterday[0], yesterday)
            # A period begins on the day after.
            begun[month, day].append((year, yesterday))
        yesterday = today
    return ends


def main():
    first_year, last_year, years_max = map(int, sys.argv[1:])
    ends = walk(first_year, last_year + years_max + 1)
    for made_on in days(first_year, last_year):
        row = [made_on] + [ends[made_on, years] for years in range(1, years_max + 1)]
        print(" ".join("%04d-%02d-%02d" % day for day in row))


main()
