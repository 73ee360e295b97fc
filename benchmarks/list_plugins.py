"""What listing and completing take: `zoo list` beside `llm models`, with 200 plugins, and Tab.

    python benchmarks/list_plugins.py [--plugins N] [--rounds N] [--json] [--quick]

Every figure is of a whole process, start-up included. zoo is installed from a wheel, as users have
it, in an environment of its own. Beside what comes along, 200 distributions of 50 models each are
made, with all records that pip writes, in a folder on the path; every tenth imports torch at the
top of its spec module. Their first list, which imports all of them, is not measured.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from side_by_side import Comparison, Side, measure_and_show, options_parser, say
from side_by_side._process import SideFailed
from sides.many_plugins import write_plugins
from sides.user_environment import make_environment

MODELS = 50
"""Of each plugin that is made."""
MEGABYTES = 60
"""That a list of ten thousand models may hold."""
BARE, LIST, PEER = "python -c pass", "zoo list", "llm models"
HELP, INFO, TAB = "zoo list --help", "zoo info mnist-cnn", "Tab after zoo train mnist-"
MANY, MANY_TAB = "zoo list, 200 plugins", "Tab, 200 plugins"
HELD, LIMIT = "memory of zoo list, 200 plugins", f"{MEGABYTES} MB"
STATUS = Path("/proc/self/status")
HOLD = f"""
import re, sys
from pathlib import Path
from zoo.cli import main
sys.argv = ["zoo", "list"]
try:
    main()
finally:
    print(re.search("VmHWM: *(.*) kB", Path("{STATUS}").read_text())[1], file=sys.stderr)
"""
"""Says how much it held at most. What `wait` tells of a process counts its parent's memory too."""
COMPARISONS = [
    Comparison(
        what="`zoo list` / `llm models`",
        figure="seconds",
        ours=LIST,
        theirs=(PEER,),
        goal=0.15,
        at_most=True,
    ),
    Comparison(
        what="`zoo list` of 10,000 models of 200 plugins / of what comes along",
        figure="seconds",
        ours=MANY,
        theirs=(LIST,),
        goal=2,
        at_most=True,
    ),
    Comparison(
        what=f"memory of `zoo list` of 10,000 models / {MEGABYTES} MB",
        figure="peak MB",
        ours=HELD,
        theirs=(LIMIT,),
        goal=1,
        at_most=True,
    ),
    Comparison(
        what="completing a model's name / `zoo list`",
        figure="seconds",
        ours=TAB,
        theirs=(LIST,),
        goal=1.1,
        at_most=True,
    ),
    Comparison(
        what="completing one of 10,000 models' names / `zoo list` of them",
        figure="seconds",
        ours=MANY_TAB,
        theirs=(MANY,),
        goal=1.1,
        at_most=True,
    ),
]


def process(*command: str, **changed: str) -> Callable[[int], dict[str, float]]:
    """Return a measurement of a process: its seconds, and those of a processor that it used."""

    def measure(_round: int) -> dict[str, float]:
        used, started = _used(), time.perf_counter()
        run(command, changed)
        seconds = time.perf_counter() - started
        return {"seconds": seconds, "processor seconds": _used() - used}

    return measure


def _used() -> float:
    import resource  # not on every system, which main() says

    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def memory(python: str, changed: Mapping[str, str]) -> Callable[[int], dict[str, float]]:
    """Return a measurement of the most memory that `zoo list` holds."""
    return lambda _round: {"peak MB": float(run((python, "-c", HOLD), changed)) * 1024 / 1e6}


def run(command: Sequence[str], changed: Mapping[str, str]) -> str:
    """Run a command in a changed environment; return what it said on stderr."""
    environment = {**os.environ, **changed}
    done = subprocess.run(
        command,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SideFailed(f"{' '.join(command[:2])} ended with {done.returncode}:\n{done.stderr}")
    return done.stderr


def sides(bin_: Path, few: Mapping[str, str], many: Mapping[str, str], count: int) -> list[Side]:
    """Return all sides.

    Args:
        bin_: the folder of the programs of the environment that zoo is installed in.
        few: what is changed in the environment's variables where it alone is listed.
        many: likewise, where the plugins that were made are found as well.
        count: of these.
    """
    zoo, python = str(bin_ / "zoo"), str(bin_ / "python")
    llm = process(str(Path(sys.executable).with_name("llm")), "models", **few)
    settings = {"plugins": count, "models": count * MODELS}
    tab = {"_ZOO_COMPLETE": "bash_complete"}
    first, second = ({**tab, "COMP_LINE": f"zoo train {name}"} for name in ("mnist-", "bench-001-"))
    return [
        Side(name=BARE, measure=process(python, "-c", "pass")),
        Side(name=LIST, measure=process(zoo, "list", **few)),
        Side(name=PEER, measure=llm, needs=("llm",)),
        Side(name=MANY, measure=process(zoo, "list", **many), settings=settings),
        Side(name=HELD, measure=memory(python, many), settings=settings),
        Side(name=LIMIT, measure=lambda _round: {"peak MB": float(MEGABYTES)}),
        Side(name=TAB, measure=process(zoo, **few, **first)),
        Side(name=MANY_TAB, measure=process(zoo, **many, **second), settings=settings),
        Side(name=HELP, measure=process(zoo, "list", "--help", **few)),
        Side(name=INFO, measure=process(zoo, "info", "mnist-cnn", **few)),
    ]


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = options_parser(__doc__, rounds=15)
    parser.add_argument("--plugins", type=int, metavar="N", help="default: 200")
    options = parser.parse_args()
    if not STATUS.exists():
        parser.error("this system doesn't tell how much memory a process has held")
    count = options.plugins or (3 if options.quick else 200)
    with tempfile.TemporaryDirectory(prefix="zoo-benchmark-") as folder:
        home = Path(folder)
        say("installing zoo")
        programs = make_environment(home / "environment")
        write_plugins(home / "site", count, MODELS)
        # The plugins' path is no part of the index's name.
        few = {"ZOO_HOME": str(home / "few"), "LLM_USER_PATH": str(home / "llm")}
        many = {"ZOO_HOME": str(home / "many"), "PYTHONPATH": str(home / "site")}
        say(f"listing {count * MODELS:,} models for the first time")
        time.sleep(2.5)  # of what was installed a moment ago nothing is remembered yet
        for changed in (few, many):
            run((str(programs / "zoo"), "list"), changed)
        measure_and_show("list_plugins", sides(programs, few, many, count), COMPARISONS, options)


if __name__ == "__main__":
    main()
