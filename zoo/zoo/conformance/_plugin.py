"""What is asked of a plugin as a whole: it loads, it costs nothing to list, it says what it is."""

import importlib.metadata
import json
import os
import subprocess
import sys

from zoo_registry import options_of, resolve

from ._check import Failed, Subject

HEAVY = frozenset(
    {
        *("torch", "torchvision", "torchaudio", "timm", "transformers", "lightning", "tensorflow"),
        *("jax", "keras", "numpy", "scipy", "pandas", "sklearn", "matplotlib", "PIL", "cv2"),
        *("mlflow", "wandb", "tensorboard", "safetensors", "huggingface_hub", "datasets"),
    }
)
"""Packages that a spec module may not import: each costs a list more than all the rest of it."""
SLOWEST = 1.0
"""Seconds that importing a spec module may take, after what any plugin imports."""

_TIMED = """
import importlib, json, sys, time
import zoo_registry
from zoo_registry import DatasetSpec, hookimpl
before = set(sys.modules)
started = time.perf_counter()
importlib.import_module(sys.argv[1])
seconds = time.perf_counter() - started
print("\\n" + json.dumps([seconds, sorted(set(sys.modules) - before)]))
"""


def loads(subject: Subject) -> str:
    """Its module is imported, its hooks return specs, and their addresses lead somewhere."""
    registry, name = subject.registry, subject.plugin.name
    faults = [
        fault
        for plugin in registry.plugins
        if plugin.name == name
        for fault in (*plugin.faults, *registry.unresolved(plugin))
    ]
    if faults:
        raise Failed("; ".join(faults))
    offered = sum(entry.plugin.name == name for entry in registry.entries)
    return f"offers {offered} component{'s' * (offered != 1)}"


def keeps_to_itself(subject: Subject) -> str:
    """Asked for its specs it prints nothing, warns of nothing and sets up no logging."""
    if subject.plugin.notices:
        raise Failed("; ".join(subject.plugin.notices))
    return ""


def imports_nothing_heavy(subject: Subject) -> str:
    """Its spec module imports no package that costs seconds; measured in a process of its own."""
    module = subject.plugin.module.partition(":")[0]
    seconds, modules = _timed(module)
    heavy = sorted(HEAVY & {name.partition(".")[0] for name in modules})
    if heavy:
        raise Failed(
            f"{module} imports {', '.join(heavy)} ({seconds:.1f} s): leave that to the modules "
            "that its specs point to by address"
        )
    if seconds > SLOWEST:
        seconds = min(seconds, _timed(module)[0])  # the first may have waited for the disk
    if seconds > SLOWEST:
        raise Failed(f"importing {module} takes {seconds:.1f} s, which every `zoo list` would wait")
    return f"{seconds * 1000:.0f} ms"


def metadata_are_complete(subject: Subject) -> str:
    """Its distribution says what it is, whose, under which licence; each spec has a summary."""
    name = subject.plugin.distribution
    try:
        facts = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError as error:
        raise Failed(f"no distribution named {name} is installed; install it with pip") from error
    wanted = {
        "version": ("Version",),
        "description": ("Summary",),
        "license": ("License-Expression", "License", "License-File"),
        "authors": ("Author", "Author-email", "Maintainer", "Maintainer-email"),
        "readme": ("Description", "Description-Content-Type"),
        "requires-python": ("Requires-Python",),
    }
    missing = [key for key, fields in wanted.items() if not any(f in facts for f in fields)]
    if not _needs_zoo(facts.get_all("Requires-Dist") or [], name):
        missing.append('dependencies = ["zoo-registry"]')
    if missing:
        raise Failed(f"[project] of {name} lacks {', '.join(missing)}")
    bare = [
        e.spec.name
        for e in subject.registry.entries
        if e.plugin.name == subject.plugin.name and not e.spec.summary.strip()
    ]
    if bare:
        raise Failed(f"without a summary, the line for `zoo list`: {', '.join(bare)}")
    licences = [facts[field] for field in wanted["license"] if field in facts]
    return f"{name} {facts['Version']}, {licences[0]}"


def can_be_called(subject: Subject) -> str:
    """What its address leads to can be called, and its options can be read."""
    entry = subject.spec_entry
    if not callable(resolve(entry.spec.address)):
        raise Failed(f"{entry.spec.address} can't be called")
    options = [option.name for option in options_of(entry.spec).options]
    return f"options: {', '.join(options)}" if options else "no options"


def _timed(module: str) -> tuple[float, list[str]]:
    """Import a module in a new process; return the seconds and the modules that came with it.

    Raises:
        Failed: it can't be imported.
    """
    done = subprocess.run(  # noqa: S603 - Python itself, with a name as its argument
        [sys.executable, "-P", "-c", _TIMED, module],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise Failed(f"{module} can't be imported: {said[-1] if said else done.returncode}")
    seconds, modules = json.loads(done.stdout.splitlines()[-1])
    return seconds, modules


def _needs_zoo(requirements: list[str], name: str) -> bool:
    """Tell whether installing it brings zoo along; zoo's own plugins are a part of it."""
    own = "zoo-registry"
    needed = (text.replace("_", "-").lower().startswith(own) for text in requirements)
    return name == own or any(needed)
