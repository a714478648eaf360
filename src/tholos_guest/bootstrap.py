"""The script that an app's interpreter runs: makes the guest code importable, and nothing else of its folder.

It stays this short because a script is compiled at every start; everything else lies in modules with cached bytecode.
"""

from __future__ import annotations

import os.path
import sys


def _become_package(folder: str) -> None:
    """Make ``tholos_guest`` importable without its parent folder, which may hold the server's own packages."""
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != folder]
    package = type(sys)("tholos_guest")
    package.__path__ = [folder]
    sys.modules["tholos_guest"] = package


# An app that uses multiprocessing imports this file again, under another name.
if __name__ == "__main__":
    _become_package(os.path.dirname(os.path.abspath(__file__)))
    from tholos_guest.main import main

    sys.exit(main(sys.argv[1:]))
