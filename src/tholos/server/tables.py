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
from tholos.paths import models as paths
from tholos.protocols.connect import models as connect
from tholos.publishing import models as publishing
from tholos.schedules import models as schedules
from tholos.sharing import models as sharing
from tholos.sources import models as sources
from tholos.tags import models as tags
from tholos.usage import models as usage
from tholos.variables import models as variables

MODULES: tuple[ModuleType, ...] = (
    audit,
    accounts,
    sharing,
    apps,
    tags,
    paths,
    usage,
    operations,
    variables,
    instances,
    access,
    publishing,
    connect,
    sources,
    schedules,
    notifications,
)


def load() -> tuple[ModuleType, ...]:
    """Every table is known once this was called: the modules were imported."""
    return MODULES
