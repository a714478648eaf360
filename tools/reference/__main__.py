"""``python -m tools.reference`` writes the pages of docs/ that are made from the code; ``--check`` writes nothing and fails where a page is not current."""

from __future__ import annotations

import sys

from tools.reference.pages import FOLDER, PAGES


def main(arguments: list[str]) -> int:
    is_check = "--check" in arguments
    stale = [name for name, text in PAGES.items() if _differs(name, text())]
    for name in stale:
        print(
            f"{FOLDER / name} {'is not current: python -m tools.reference' if is_check else 'is written anew'}"
        )
        if not is_check:
            (FOLDER / name).write_text(PAGES[name](), "utf-8")
    return int(is_check and bool(stale))


def _differs(name: str, text: str) -> bool:
    file = FOLDER / name
    return not file.exists() or file.read_text("utf-8") != text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
