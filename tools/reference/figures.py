"""The figures for monitoring, from their declarations."""

from __future__ import annotations

from tools.reference.tables import MADE, code, table

from tholos.console.metrics import FAMILIES

HEAD = f"""# Metrics

What a server tells at `/metrics`, in the text format of Prometheus. Names and labels stay; figures may be added. Counters and
histograms begin anew when the server does. [How to read them](../how-to/operate.md).

{MADE}

"""


def text() -> str:
    rows = ((code(one.name), str(one.kind), ", ".join(map(code, one.labels)), one.text) for one in FAMILIES)
    return HEAD + table(("metric", "type", "labels", "what it is"), rows)
