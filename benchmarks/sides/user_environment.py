"""zoo as its users have it: installed from a wheel, not read from the tree of its developers."""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]


def make_environment(folder: Path) -> Path:
    """Install zoo in a virtual environment that borrows this one's packages; return its programs.

    A path in a `.pth` file is searched, but what that folder's own `.pth` files add is not: the
    tree that this environment may have zoo from stays out.
    """
    venv.create(folder, with_pip=False)
    base = {"base": str(folder), "platbase": str(folder)}
    packages, programs = (
        Path(sysconfig.get_path(name, "venv", base)) for name in ("purelib", "scripts")
    )
    borrowed = [entry for entry in sys.path if entry.endswith("site-packages")]
    (packages / "borrowed.pth").write_text("\n".join(borrowed) + "\n", encoding="utf-8")
    pip = (sys.executable, "-m", "pip", "--python", str(programs / "python"), "--quiet")
    install = ("install", "--no-deps", "--no-build-isolation", "--no-index", str(ROOT))
    subprocess.run((*pip, *install), check=True, stdout=subprocess.DEVNULL)
    return programs
