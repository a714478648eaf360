"""What a delivery costs."""

from __future__ import annotations

import panel as pn

pn.extension()
weight = pn.widgets.IntSlider(name="Weight in kg", start=1, end=30, value=5)
button = pn.widgets.Button(name="Quote", button_type="primary")
told = pn.pane.Markdown("# Delivery")


def quote(_event: object) -> None:
    told.object = f"# {4 + 0.8 * weight.value:.2f} francs"


button.on_click(quote)
pn.Column(told, weight, button).servable(title="Delivery")
