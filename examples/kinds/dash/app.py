"""The yield of a wind farm by its number of turbines."""

from __future__ import annotations

from dash import Dash, Input, Output, dcc, html

app = Dash(__name__, title="Yield")
app.layout = html.Main(
    [
        html.H1("Yield"),
        html.Button("Add a turbine", id="add", n_clicks=0),
        html.P(id="told"),
        dcc.Graph(id="curve"),
    ]
)


@app.callback(Output("told", "children"), Output("curve", "figure"), Input("add", "n_clicks"))
def show(clicks: int):
    turbines = clicks + 1
    speeds = list(range(3, 16))
    power = [turbines * min(3.0, 0.003 * speed**3) for speed in speeds]
    return f"{turbines} turbines: {3.0 * turbines:.0f} MW at most", {"data": [{"x": speeds, "y": power}]}
