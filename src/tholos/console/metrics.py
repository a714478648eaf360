"""What an installation tells its monitoring: every figure with its name, and where each comes from.

No label says who somebody is: apps, kinds, states and ids of instances are all there is.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from tholos import __version__
from tholos.apps import service as apps
from tholos.gateway.counting import Requests
from tholos.instances import service as instances
from tholos.instances.models import ENDED, InstanceState
from tholos.instances.service import Measured
from tholos.instances.standbys import Standbys
from tholos.kit.db import ReadDb
from tholos.kit.metrics import Family, Kind, Labels, Told
from tholos.notifications import service as notifications
from tholos.operations import service as operations
from tholos.operations.times import Times
from tholos.runtime import metering
from tholos.store.index import Size

_COUNTER, _GAUGE, _HISTOGRAM = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM
_INSTANCE = ("app", "release", "instance")
INFO = Family("tholos_info", _GAUGE, "Always 1; the label is the version.", ("version",))
CPU = Family("process_cpu_seconds_total", _COUNTER, "CPU time of the server's process, in seconds.")
MEMORY = Family("process_resident_memory_bytes", _GAUGE, "Resident memory of the server's process.")
FILES = Family("process_open_fds", _GAUGE, "Open files of the server's process.")
REQUESTS = Family(
    "tholos_requests_total",
    _COUNTER,
    "Requests that are over, by who answered (console, app, or door: refused or sent elsewhere), app and class of status.",
    ("by", "app", "status"),
)
RECEIVED = Family(
    "tholos_request_bytes_total",
    _COUNTER,
    "Bytes of requests' bodies and of tunnels that the server carried.",
    ("by", "app"),
)
SENT = Family(
    "tholos_answer_bytes_total",
    _COUNTER,
    "Bytes of answers' bodies and of tunnels that the server carried.",
    ("by", "app"),
)
SECONDS = Family(
    "tholos_request_seconds",
    _HISTOGRAM,
    "From a request's head to the end of its answer, where the server carried it; without tunnels.",
    ("by",),
)
EXCHANGES = Family("tholos_open_requests", _GAUGE, "Requests, streams and tunnels that are under way.")
CONNECTIONS = Family("tholos_open_connections", _GAUGE, "Connections of clients.")
APPS = Family("tholos_apps", _GAUGE, "Apps that there are.")
INSTANCES = Family("tholos_instances", _GAUGE, "Instances that have not ended, by state.", ("state",))
INSTANCE_CPU = Family(
    "tholos_instance_cpu_seconds_total", _COUNTER, "CPU time of an instance with all it started.", _INSTANCE
)
INSTANCE_MEMORY = Family(
    "tholos_instance_memory_bytes",
    _GAUGE,
    "Memory of an instance with all it started; what several processes share counts once in all.",
    _INSTANCE,
)
INSTANCE_PROCESSES = Family("tholos_instance_processes", _GAUGE, "Processes of an instance.", _INSTANCE)
STANDBY_MEMORY = Family(
    "tholos_standby_memory_bytes",
    _GAUGE,
    "Memory of a process that waits to wake a release that sleeps; shared memory counts once in all.",
    _INSTANCE,
)
OPERATIONS = Family(
    "tholos_operations",
    _GAUGE,
    "Operations that are kept, by kind and state; queued ones wait.",
    ("kind", "state"),
)
OPERATION_SECONDS = Family(
    "tholos_operation_seconds", _HISTOGRAM, "How long operations took, by how they ended.", ("kind", "state")
)
STEP_SECONDS = Family(
    "tholos_operation_step_seconds",
    _HISTOGRAM,
    "How long steps of operations took; builds are the step environment.",
    ("kind", "step", "state"),
)
DELIVERIES = Family(
    "tholos_deliveries", _GAUGE, "Notifications that are kept, by channel and state.", ("channel", "state")
)
STORE_BYTES = Family("tholos_store_bytes", _GAUGE, "Bytes of content that is kept, as packed.")
STORE_PACKS = Family("tholos_store_packs", _GAUGE, "Packs of content.")
DATABASE_BYTES = Family("tholos_database_bytes", _GAUGE, "Size of the database's file; not on PostgreSQL.")
FREE_BYTES = Family("tholos_disk_free_bytes", _GAUGE, "Free on the data folder's disk.")

FAMILIES: tuple[Family, ...] = (
    INFO, CPU, MEMORY, FILES, REQUESTS, RECEIVED, SENT, SECONDS, EXCHANGES, CONNECTIONS, APPS, INSTANCES,
    INSTANCE_CPU, INSTANCE_MEMORY, INSTANCE_PROCESSES, STANDBY_MEMORY, OPERATIONS, OPERATION_SECONDS, STEP_SECONDS,
    DELIVERIES, STORE_BYTES, STORE_PACKS, DATABASE_BYTES, FREE_BYTES,
)  # fmt: skip
"""All that are told, in this order."""


@dataclass(frozen=True, slots=True)
class Meters:
    """What counts, and what is asked, beside the database; the program that runs the parts makes this."""

    requests: Requests = field(default_factory=Requests)
    past_the_door: Callable[[], Mapping[Labels, float]] = dict
    """Requests that the server did not see, as :attr:`Requests.answered`; asked when it is called."""
    times: Times = field(default_factory=Times)
    standbys: Standbys = field(default_factory=Standbys)
    open_exchanges: Callable[[], int] = lambda: 0
    open_connections: Callable[[], int] = lambda: 0
    store: Callable[[], Size] = lambda: Size(0, 0)
    database_bytes: Callable[[], int | None] = lambda: None
    free_bytes: Callable[[], int | None] = lambda: None


def collect(db: ReadDb, meters: Meters) -> Iterator[Told]:
    """Every figure as it is now."""
    measured = instances.list_measured(db)
    yield INFO, {(__version__,): 1}
    yield from _process()
    yield from _requests(meters)
    yield APPS, {(): apps.count_all(db)}
    yield INSTANCES, _states(measured)
    yield from _instances(measured)
    yield from _standbys(meters.standbys)
    yield OPERATIONS, _counts(operations.count_by_state(db))
    yield OPERATION_SECONDS, meters.times.operations
    yield STEP_SECONDS, meters.times.steps
    yield DELIVERIES, _counts(notifications.count_by_state(db))
    yield from _storage(meters)


def _counts(found: Mapping[tuple[str, str], int]) -> dict[Labels, float]:
    return {labels: float(count) for labels, count in found.items()}


def _process() -> Iterator[Told]:
    times, own = os.times(), os.getpid()
    yield CPU, {(): times.user + times.system}
    yield MEMORY, {(): metering.resident(own)}
    yield FILES, {(): metering.open_files(own)}


def _requests(meters: Meters) -> Iterator[Told]:
    counted = meters.requests
    yield REQUESTS, dict(Counter(counted.answered) + Counter(meters.past_the_door()))
    yield RECEIVED, counted.received.copy()
    yield SENT, counted.sent.copy()
    yield SECONDS, counted.seconds
    yield EXCHANGES, {(): meters.open_exchanges()}
    yield CONNECTIONS, {(): meters.open_connections()}


def _states(measured: list[Measured]) -> dict[tuple[str, ...], float]:
    """Each state is told, so that none is missed where there is nothing in it."""
    found = Counter(one.state for one in measured)
    return {(str(state),): found[state] for state in InstanceState if state not in ENDED}


def _instances(measured: list[Measured]) -> Iterator[Told]:
    used = metering.read({one.pid for one in measured if one.pid is not None})
    found = {
        (one.app, str(one.release), one.id): used[one.pid]
        for one in measured
        if one.pid is not None and one.pid in used
    }
    yield INSTANCE_CPU, {labels: one.cpu_s for labels, one in found.items()}
    yield INSTANCE_MEMORY, {labels: one.memory for labels, one in found.items()}
    yield INSTANCE_PROCESSES, {labels: one.processes for labels, one in found.items()}


def _standbys(standbys: Standbys) -> Iterator[Told]:
    yield STANDBY_MEMORY, {(one.app, str(one.release), one.instance): one.memory for one in standbys.all}


def _storage(meters: Meters) -> Iterator[Told]:
    size = meters.store()
    yield STORE_BYTES, {(): size.size}
    yield STORE_PACKS, {(): size.packs}
    for family, found in ((DATABASE_BYTES, meters.database_bytes()), (FREE_BYTES, meters.free_bytes())):
        yield family, {} if found is None else {(): found}
