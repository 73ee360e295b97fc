"""Distributions written to disk as pip leaves them, so that discovery finds the real thing."""

import importlib
import os
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import zoo_registry


class Site:
    """A folder on `sys.path`, as site-packages is."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.plugins: list[str] = []
        self._settled = 10**18

    def module(self, name: str, source: str = "") -> None:
        """Write the module `name`; what every plugin imports is imported already."""
        path = self.root / f"{name}.py"
        path.write_text("from zoo_registry import *\n" + textwrap.dedent(source), encoding="utf-8")
        importlib.invalidate_caches()

    def metadata(
        self, distribution: str, points: Mapping[str, str] | str, version: str = "1.0"
    ) -> Path:
        """Write `<distribution>-<version>.dist-info` with entry points in the group `zoo`."""
        folder = self.root / f"{distribution.replace('-', '_')}-{version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(
            f"Metadata-Version: 2.4\nName: {distribution}\nVersion: {version}\n\nVersion: none\n"
        )
        if isinstance(points, Mapping):
            points = "\n".join(f"{name} = {value}" for name, value in points.items())
        (folder / "entry_points.txt").write_text(f"[console_scripts]\nx = x:x\n\n[zoo]\n{points}\n")
        return folder

    def plugin(
        self,
        name: str,
        source: str,
        *,
        distribution: str = "",
        version: str = "1.0",
        record: bool = False,
    ) -> None:
        """Install a distribution (default `<name>-zoo`) whose only module is this plugin.

        With a `record`, as an installer leaves one; without, as a checkout on the path.
        """
        distribution = distribution or f"{name}-zoo"
        module = f"{distribution.replace('-', '_')}_plugin"
        self.module(module, source)
        folder = self.metadata(distribution, {name: module}, version)
        if record:
            (folder / "RECORD").write_text(f"{module}.py,,\n")
        self.plugins.append(name)

    def settle(self) -> None:
        """Let all of it have been there for a while: what changed just now is not relied on."""
        self._settled += 10**9
        for path in (self.root, *self.root.rglob("*")):
            if path.stat().st_mtime_ns > 1.5 * 10**18:  # 2017: it was written by this test
                os.utime(path, ns=(self._settled, self._settled))

    def forget(self) -> None:
        """Forget the modules that were imported from here, as a new process has none."""
        for name, module in list(sys.modules.items()):
            if str(self.root.parent) in str(getattr(module, "__file__", "")):
                del sys.modules[name]

    def load(self) -> zoo_registry.Registry:
        """Load the plugins written here, and not those of the environment the tests run in."""
        return zoo_registry.load(only=self.plugins)


@pytest.fixture
def site(tmp_path, monkeypatch) -> Iterator[Site]:
    """An installation to write plugins into; its modules are forgotten afterwards."""
    root = tmp_path / "site-packages"
    root.mkdir()
    monkeypatch.syspath_prepend(root)
    made = Site(root)
    yield made
    made.forget()
