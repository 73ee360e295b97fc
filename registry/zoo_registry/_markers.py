"""The two marks of the plugin contract."""

import pluggy

PROJECT = "zoo"
"""The name of the entry-point group and of the pluggy project."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a function of a plugin as an implementation of a zoo hook."""
