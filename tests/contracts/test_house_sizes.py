"""Modules and functions stay of a size that one reads in one go."""

import ast
from pathlib import Path

MODULE_LINES = 400
FUNCTION_LINES = 70
USUAL_FUNCTION_LINES = 35


def functions(sources):
    """Each function with the number of its lines, decorators and docstring included."""
    for path, tree in sources.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                yield f"{path}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1


def test_no_module_is_long(sources):
    """Beyond 400 lines a module holds more than one idea."""
    root = Path(__file__).parents[2]
    lines = {path: len((root / path).read_text("utf-8").splitlines()) for path in sources}
    assert len(lines) > 50, "the sources were not found"
    assert not {path: count for path, count in lines.items() if count > MODULE_LINES}


def test_no_function_is_long(sources):
    """Beyond 70 lines a function has steps that deserve names."""
    lines = dict(functions(sources))
    assert not {name: count for name, count in lines.items() if count > FUNCTION_LINES}


def test_nine_functions_in_ten_are_short(sources):
    """Nearly all are seen whole on a screen."""
    lines = [count for _, count in functions(sources)]
    short = sum(count <= USUAL_FUNCTION_LINES for count in lines)
    assert short >= 0.9 * len(lines)
