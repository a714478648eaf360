"""Unit tests lie where the code lies."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOTS = {"supervisor": "src/tholos_supervisor", "guest": "src/tholos_guest", "tools": "tools"}


def test_every_unit_test_has_the_module_it_is_named_for():
    """``tests/unit/ROOM/test_NAME.py`` is about ``NAME.py`` of that room; a word before or after NAME says what of it."""
    strays = []
    for path in (ROOT / "tests" / "unit").glob("*/**/test_*.py"):
        room, *rest = path.relative_to(ROOT / "tests" / "unit").parts
        folder = (ROOT / ROOTS.get(room, f"src/tholos/{room}")).joinpath(*rest[:-1])
        name = path.stem.removeprefix("test_")
        modules = [one.stem for one in folder.iterdir()]
        if not any(name == one or name.startswith(f"{one}_") or name.endswith(f"_{one}") for one in modules):
            strays.append(path.relative_to(ROOT).as_posix())
    assert strays == []
