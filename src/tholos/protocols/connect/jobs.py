"""An app's processes and builds as this wire's jobs. Pure but for what it is given."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass

from tholos.apps.models import App
from tholos.instances.models import ENDED, Instance, InstanceState
from tholos.kit.clock import to_text
from tholos.kit.db import JsonObject
from tholos.operations.models import Operation, OperationState
from tholos.protocols.connect import identity
from tholos.publishing.service import BUILD, PUBLISH

ACTIVE, FINALIZED = 0, 2
TAGS_OF_WORK: Mapping[str, str] = {PUBLISH: "python_restore", BUILD: "python_restore", "git": "git"}
"""Kinds of operations that are jobs here; all others only switch between what is there."""
_TAGS_OF_MODES: Mapping[str, str] = {
    "python-api": "run_python_api",
    "python-fastapi": "run_fastapi_app",
    "python-dash": "run_dash_app",
    "python-streamlit": "run_streamlit",
    "python-bokeh": "run_bokeh_app",
    "python-shiny": "run_pyshiny_app",
    "python-gradio": "run_gradio_app",
    "python-panel": "run_panel_app",
    "jupyter-voila": "run_voila_app",
    "jupyter-static": "build_jupyter",
    "quarto-static": "build_report",
    "quarto-shiny": "render_shiny",
    "tensorflow-saved-model": "run_tensorflow",
}
_GONE = ENDED | {InstanceState.FAILED}
_EXIT_CODES = {OperationState.DONE: 0, OperationState.FAILED: 1, OperationState.CANCELLED: 1}


@dataclass(frozen=True, slots=True)
class Made:
    """What a job is about: the bundle, and how it runs."""

    bundle_id: int | None
    mode: str


def of_instance(app: App, instance: Instance, made: Made) -> JsonObject:
    """A process that serves an app."""
    has_ended = instance.state in _GONE
    return {
        **_common(app, instance.id, made),
        "pid": str(instance.pid) if instance.pid else None,
        "start_time": to_text(instance.created_at),
        "end_time": to_text(instance.ended_at or (instance.since if has_ended else None)),
        "last_heartbeat_time": to_text(instance.since),
        "queued_time": to_text(instance.created_at),
        "tag": _TAGS_OF_MODES.get(made.mode, "unknown"),
        "exit_code": instance.exit_code if has_ended else None,
        "status": FINALIZED if has_ended else ACTIVE,
    }


def of_operation(app: App, operation: Operation, made: Made) -> JsonObject:
    """Work on an app that is no process of its own."""
    return {
        **_common(app, operation.id, made),
        "pid": None,
        "start_time": to_text(operation.started_at or operation.created_at),
        "end_time": to_text(operation.ended_at),
        "last_heartbeat_time": to_text(operation.ended_at or operation.started_at or operation.created_at),
        "queued_time": to_text(operation.created_at),
        "tag": TAGS_OF_WORK[operation.kind],
        "exit_code": _EXIT_CODES.get(OperationState(operation.state)),
        "status": FINALIZED if operation.has_ended else ACTIVE,
    }


def line(text: str, at: str | None) -> JsonObject:
    """One line of a job's log. Both streams of a process are one here."""
    return {"source": "stdout", "timestamp": at, "data": text}


def _common(app: App, key: str, made: Made) -> JsonObject:
    number = str(identity.number_of(app.id))
    return {
        "id": str(identity.number_of(key)),
        "ppid": None,
        "key": key,
        "remote_id": None,
        "app_id": number,
        "variant_id": number,
        "bundle_id": str(made.bundle_id) if made.bundle_id is not None else None,
        "queue_name": None,
        "hostname": platform.node(),
        "cluster": "Local",
        "image": None,
        "run_as": None,
    }
