"""Draw lots."""

from __future__ import annotations

from shiny import App, reactive, render, ui

PEOPLE = ("Ada", "Kim", "Noor")

page = ui.page_fluid(
    ui.h1("Who goes first?"), ui.input_action_button("draw", "Draw"), ui.h2(ui.output_text("told"))
)


def server(input, output, session):
    @render.text
    @reactive.event(input.draw)
    def told() -> str:
        return f"{PEOPLE[input.draw() % len(PEOPLE)]} goes first"


app = App(page, server)
