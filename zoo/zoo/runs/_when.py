"""Times as runs record them: ISO 8601 in UTC, so that texts sort as times do."""

from datetime import UTC, datetime


def now() -> str:
    """Return the time, to the microsecond."""
    return in_utc(datetime.now(UTC))


def in_utc(time: datetime) -> str:
    """Write a time of any zone."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def of_file(seconds: float) -> str:
    """Write a time as the system gives it for files, in seconds since 1970."""
    return in_utc(datetime.fromtimestamp(seconds, UTC))


def seconds_between(began: str, ended: str) -> float:
    """Return the seconds from one recorded time to another, 0 where a clock was put back.

    Raises:
        ValueError: one of them is no time.
    """
    passed = datetime.fromisoformat(ended) - datetime.fromisoformat(began)
    return max(0.0, passed.total_seconds())
