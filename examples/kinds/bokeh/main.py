"""A measurement that is taken again and again."""

from __future__ import annotations

from random import Random

from bokeh.io import curdoc
from bokeh.layouts import column
from bokeh.models import Button, ColumnDataSource, Div
from bokeh.plotting import figure

random = Random(7)
source = ColumnDataSource({"x": [0], "y": [20.0]})
plot = figure(height=260, title="Temperature")
plot.line("x", "y", source=source)
told = Div(text="<h1>1 measurement</h1>")
button = Button(label="Measure")


def measure() -> None:
    number = len(source.data["x"])
    source.stream({"x": [number], "y": [20 + random.gauss(0, 1)]})
    told.text = f"<h1>{number + 1} measurements</h1>"


button.on_click(measure)
curdoc().add_root(column(told, button, plot))
curdoc().title = "Temperature"
