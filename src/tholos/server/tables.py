"""The one list of modules with tables, for migrations and for tests of them."""

from __future__ import annotations

from types import ModuleType

from tholos.access import models as access
from tholos.accounts import models as accounts
from tholos.apps import models as apps
from tholos.audit import models as audit
from tholos.instances import models as instances
from tholos.notifications import models as notifications
from tholos.operations import models as operations
from tholos.sharing import models as sharing
from tholos.sources import models as sources
from tholos.variables import models as variables

MODULES: tuple[ModuleType, ...] = (
    audit,
    accounts,
    sharing,
    apps,
    operations,
    variables,
    instances,
    access,
    sources,
    notifications,
)


def load() -> tuple[ModuleType, ...]:
    """Every table is known once this was called: the modules were imported."""
    return MODULES
