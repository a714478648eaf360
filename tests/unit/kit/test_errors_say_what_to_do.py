"""What is wrong comes with what to do about it, wherever people run into it."""

import ast
import importlib
from pathlib import Path

import pytest

import tholos
from tholos.kit.errors import Conflict, Invalid, NotFound, TholosError

ROOT = Path(tholos.__file__).parent
DOMAINS = (
    "access", "accounts", "apps", "audit", "instances", "notifications", "operations", "publishing", "sharing",
    "sources", "variables",
)  # fmt: skip
WITHOUT = {
    "AuthorizationPending": "a terminal that waits reads it, and goes on waiting",
    "CancelRequested": "it ends an operation that somebody has cancelled, and nobody is told of it",
    "TransitionRefused": "a mistake of ours, or a race that whoever meets it resolves",
}
MODULES = [path for domain in DOMAINS for path in sorted((ROOT / domain).glob("*.py"))]


def raised(path: Path) -> list[tuple[int, type, bool]]:
    """Line and class of each error that a module raises, and whether it says what to do."""
    module = importlib.import_module(f"tholos.{path.parent.name}.{path.stem}")
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Raise) and node.exc is not None:
            call = node.exc if isinstance(node.exc, ast.Call) else None
            error = _resolved(module, call.func if call else node.exc)
            if isinstance(error, type) and issubclass(error, TholosError):
                is_said = call is not None and any(one.arg in {"fix", None} for one in call.keywords)
                found.append((node.lineno, error, is_said or bool(error.usual_fix)))
    return found


def _resolved(module: object, node: ast.expr) -> object:
    if isinstance(node, ast.Name):
        return getattr(module, node.id, None)
    if isinstance(node, ast.Attribute):
        return getattr(_resolved(module, node.value), node.attr, None)
    return None


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}.{path.stem}")
def test_every_error_that_is_raised_says_what_to_do(path):
    silent = [
        f"{path.relative_to(ROOT)}:{line}: {error.__name__}"
        for line, error, is_said in raised(path)
        if issubclass(error, (NotFound, Invalid, Conflict)) and not is_said and error.__name__ not in WITHOUT
    ]
    assert silent == []


def test_they_are_found():
    assert sum(len(raised(path)) for path in MODULES) > 100


def test_what_is_said_at_a_place_counts_before_what_is_usual():
    class Missing(NotFound):
        """There is none."""

        usual_fix = "Make one."

    assert (Missing().fix, Missing(fix="Look elsewhere.").fix) == ("Make one.", "Look elsewhere.")
    assert "fix" not in NotFound().to_json()
