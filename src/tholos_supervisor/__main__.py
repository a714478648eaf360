"""``python -I -S PATH/tholos_supervisor/__main__.py``: started by its path, because ``-I`` and ``-S`` leave only the standard library to be found.

The folder above goes last in the search path, so that nothing installed beside us shadows a standard module.
"""

import sys

if not __package__:
    sys.path.append(__file__.rpartition("/")[0].rpartition("/")[0] or "/")

from tholos_supervisor.program import main

sys.exit(main(sys.argv[1:]))
