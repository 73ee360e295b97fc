"""The two marks of the plugin contract."""

import pluggy

from ._plugin import PROJECT

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a function of a plugin as an implementation of a zoo hook."""
