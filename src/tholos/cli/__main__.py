"""``python -m tholos.cli`` is ``tholos``."""

from __future__ import annotations

import sys

from tholos.cli.main import main

sys.exit(main())
