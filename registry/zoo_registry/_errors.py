"""Every error a user can meet: what failed, what was available, what to do."""


class ZooError(Exception):
    """The work failed. Its text is all that a user sees; the CLI exits with `exit_code`."""

    exit_code = 1


class UsageError(ZooError):
    """What was asked is wrong: an unknown name, a bad option, a bad file."""

    exit_code = 2


class UnknownName(UsageError, LookupError):
    """No installed plugin offers that name; the text gives the nearest ones."""


class AmbiguousName(UsageError, LookupError):
    """Several plugins offer that bare name; the text names each with its distribution."""


class InvalidOption(UsageError, ValueError):
    """An option that the component does not have, or a value of the wrong type."""


class InvalidData(UsageError, ValueError):
    """The user's data can't be used as it is; the text says what to change."""


class DatasetUnavailable(ZooError):
    """A dataset is not on this machine and can't be had now. Dataset builders raise it."""


class BadSample(ZooError):
    """One sample can't be read. Datasets raise it, naming the file or the index."""


class SpecError(ZooError, ValueError):
    """A plugin's author wrote a spec, an address or a hook result that can't work."""
