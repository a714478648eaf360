"""A log of what was found on a round through the plant: a form, and a list of what was said."""

from __future__ import annotations

from flask import Flask, redirect, render_template_string, request, url_for

PAGE = """<!doctype html>
<html lang="en">
<title>Round</title>
<style>body { font: 1rem/1.5 system-ui; max-width: 36rem; margin: 2rem auto; padding: 0 1rem }</style>
<h1>What was found</h1>
<form method="post" action="{{ url_for('add') }}">
  <label>Finding <input name="finding" value="Pump 3 hums"></label>
  <button>Write it down</button>
</form>
<ol>{% for one in findings %}<li>{{ one }}</li>{% endfor %}</ol>
"""

app = Flask(__name__)
findings: list[str] = []


@app.get("/")
def index() -> str:
    return render_template_string(PAGE, findings=findings)


@app.post("/findings")
def add():
    findings.append(f"{len(findings) + 1}: {request.form['finding']}")
    return redirect(url_for("index"))
