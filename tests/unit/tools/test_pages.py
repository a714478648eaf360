"""What the first pages say: nothing that is only to come."""

from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_readme_tells_of_nothing_as_missing():
    said = (ROOT / "README.md").read_text("utf-8")
    assert "does not do yet" not in said
    assert "comes next" not in said
