"""A release's manifest: what was detected or said, as JSON and back, and the fingerprint of it all. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from tholos.detect.model import Detection, Evidence, Finding, Kind, Overrides, Requirements
from tholos.kit.db import JsonObject
from tholos.operations.service import Said

_EVIDENCE = frozenset({"evidence", "why", "notes", "python"})
"""What has no part in how a release runs; of Python, the interpreter that was chosen decides."""


def to_json(found: Detection, python_why: str) -> JsonObject:
    """Everything a release needs to be built and started, with its evidence."""
    needs = found.requirements
    further: JsonObject = {"options": list(found.options), "locale": found.locale}
    return {
        **{name: value for name, value in further.items() if value},
        "kind": found.kind.value,
        "framework": found.framework.value,
        "entrypoint": found.entrypoint.value,
        "paths": list(found.paths),
        "python": found.python.value,
        "prepare": found.prepare.value if found.prepare else "",
        "keep": [one.value for one in found.keep],
        "requirements": {
            "form": needs.form,
            "text": needs.text,
            "support": dict(needs.support),
            "imports": {name: [seen.path, seen.line] for name, seen in needs.imports.items()},
            **(
                {"own": {path: [seen.path, seen.line] for path, seen in needs.own.items()}}
                if needs.own
                else {}
            ),
            "why": needs.why,
            "evidence": [needs.evidence.path, needs.evidence.line],
        },
        "why": {
            "framework": _why(found.framework),
            "entrypoint": _why(found.entrypoint),
            "python": python_why,
            "requirements": needs.why,
        },
        "notes": list(found.notes),
    }


def requirements_of(manifest: JsonObject) -> Requirements:
    """The requirements in a manifest that :func:`to_json` made."""
    kept = _object(manifest["requirements"])
    return Requirements(
        form=str(kept["form"]),
        text=str(kept["text"]),
        why=str(kept["why"]),
        evidence=_evidence(kept["evidence"]),
        imports={name: _evidence(seen) for name, seen in _object(kept["imports"]).items()},
        support={name: str(text) for name, text in _object(kept["support"]).items()},
        own={path: _evidence(seen) for path, seen in _object(kept.get("own")).items()},
    )


def fingerprint(snapshot: str, manifest: JsonObject) -> str:
    """SHA-256 of what decides how a release runs; why it was decided so has no part in it."""
    needs = {
        name: value for name, value in _object(manifest["requirements"]).items() if name not in _EVIDENCE
    }
    facts = {name: value for name, value in manifest.items() if name not in _EVIDENCE}
    text = json.dumps([snapshot, {**facts, "requirements": needs}], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def findings(found: Detection, python: str, python_why: str) -> Iterator[Said]:
    """One event a decision, each with its reason."""
    yield _finding(found.framework.value, found.entrypoint.value, found.entrypoint)
    if found.kind is not Kind.STATIC:
        yield _said("Python", python, python_why, "")
    for one in found.keep:
        yield _finding("keep", one.value, one)
    if found.prepare:
        yield _finding("prepare", found.prepare.value, found.prepare)
    for note in found.notes:
        yield _said("note", note, "", "")


def merge_overrides(remembered: JsonObject, said: Overrides) -> tuple[Overrides, JsonObject]:
    """What was said now over what is remembered, and what is remembered from now on; an empty text forgets."""
    kept = dict(remembered)
    for name in ("kind", "entrypoint", "python", "requirements", "prepare"):
        value = getattr(said, name)
        if value is not None:
            kept[name] = value
    if said.keep is not None:
        kept["keep"] = list(said.keep)
    kept = {name: value for name, value in kept.items() if value}
    keep = kept.get("keep")
    texts = {name: str(value) for name, value in kept.items() if name != "keep"}
    return Overrides(**texts, keep=tuple(map(str, keep)) if isinstance(keep, list) else None), kept


def _finding(label: str, value: str, one: Finding) -> Said:
    where = str(one.evidence)
    return _said(label, value, f"in {where}" if where else one.why, where)


def _said(label: str, value: str, why: str, where: str) -> Said:
    text = f"{value} {why}".strip()
    return Said("finding", text, "upload", {"label": label, "value": value, "why": why, "where": where})


def _why(one: Finding) -> str:
    return f"{one.why} ({one.evidence})" if str(one.evidence) else one.why


def _object(value: object) -> JsonObject:
    return dict(value) if isinstance(value, dict) else {}


def _evidence(value: object) -> Evidence:
    path, line = value if isinstance(value, list) else ("", 0)
    return Evidence(str(path), int(line))
