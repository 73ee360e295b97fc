"""Modules and functions stay of a size that one reads in one go."""

import ast
import io
import tokenize
from pathlib import Path

MODULE_LINES = 400
FUNCTION_LINES = 70
USUAL_FUNCTION_LINES = 35
NO_CODE = {
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE),
    *(tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER),
}


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


def lines_of_code(path):
    """How many lines of a file hold code: not blank, no comment, no docstring."""
    text = path.read_text("utf-8")
    held = {
        line
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type not in NO_CODE
        for line in range(token.start[0], token.end[0] + 1)
    }
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            held -= set(range(node.lineno, node.end_lineno + 1))
    return len(held)


def test_there_are_as_many_lines_of_test_as_of_source(sources):
    """Docstrings and comments aside: what holds the rest is not less than it."""
    root = Path(__file__).parents[2]
    tested = sum(map(lines_of_code, (root / "tests").rglob("*.py")))
    assert tested >= sum(lines_of_code(root / path) for path in sources)
