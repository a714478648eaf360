import marimo

app = marimo.App()


@app.cell
def _():
    import marimo as mo

    return (mo,)


@app.cell
def _(mo):
    mo.md("# Doubling")
    return


@app.cell
def _(mo):
    button = mo.ui.button(value=1, on_click=lambda value: value * 2, label="Double")
    button
    return (button,)


@app.cell
def _(button, mo):
    mo.md(f"It is **{button.value}** now.")
    return


if __name__ == "__main__":
    app.run()
