"""A guest book: Flask, a form, and entries that survive every new release."""

import sqlite3
from pathlib import Path

from flask import Flask, redirect, render_template, request, url_for

app = Flask(__name__, instance_relative_config=True)
Path(app.instance_path).mkdir(parents=True, exist_ok=True)
DATABASE = Path(app.instance_path) / "guestbook.db"


def connect():
    connection = sqlite3.connect(DATABASE)
    connection.execute(
        "create table if not exists entries (name text, words text, at text default current_timestamp)"
    )
    return connection


@app.get("/")
def index():
    with connect() as connection:
        entries = connection.execute("select name, words, at from entries order by rowid desc").fetchall()
    visitor = request.headers.get("X-Tholos-Account", "")
    return render_template("index.html", entries=entries, visitor=visitor)


@app.post("/")
def sign():
    name, words = request.form["name"].strip(), request.form["words"].strip()
    if name and words:
        with connect() as connection:
            connection.execute("insert into entries (name, words) values (?, ?)", (name, words))
    return redirect(url_for("index"))
