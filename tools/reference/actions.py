"""The actions of the audit record, from the closed list and its words."""

from __future__ import annotations

from tools.reference.tables import MADE, code, table

from tholos.audit.models import Action
from tholos.audit.words import words_of

HEAD = f"""# Actions of the audit record

Everything that changes something is recorded with who did it, when, from where, and what was before and after. These are all
actions; filters, webhooks and exports name them so, and the part before the point names all of its kind: `tholos audit
--action app`. [How to read the record](../how-to/audit.md).

{MADE}

"""


def text() -> str:
    rows = ((code(str(action)), words_of(action)) for action in Action)
    return HEAD + table(("action", "in words"), rows)
