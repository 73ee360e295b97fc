"""The project's own sources, parsed once."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = [
    ROOT / "zoo" / "zoo",
    ROOT / "registry" / "zoo_registry",
    *sorted(path.parent for path in (ROOT / "plugins").glob("*/plugin.py")),
]


@pytest.fixture(scope="session")
def sources() -> dict[str, ast.Module]:
    """Every module of the distribution, by its path below the project's folder."""
    files = [file for package in PACKAGES for file in sorted(package.rglob("*.py"))]
    return {
        file.relative_to(ROOT).as_posix(): ast.parse(file.read_text(encoding="utf-8"))
        for file in files
    }


@pytest.fixture(scope="session")
def packages() -> list[str]:
    """The names of the distribution's top-level packages."""
    return [package.name for package in PACKAGES]
