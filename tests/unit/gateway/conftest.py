"""Connections without sockets: transports in memory for both sides of an exchange."""

import asyncio
import os
from dataclasses import dataclass, field

import pytest

from tholos.gateway.connection import Connection
from tholos.gateway.limits import Limits
from tholos.gateway.model import Carry
from tholos.gateway.shared import Shared, render_plainly
from tholos.gateway.upstreams import Pool, Upstream


class Quiet:
    """Answers what a protocol asks of its socket."""

    family = -1

    def __init__(self, fd):
        self._fd = fd

    def fileno(self):
        return self._fd

    def setsockopt(self, *_):
        return


class Memory(asyncio.Transport):
    """Keeps what was written; closing reports to the protocol at once."""

    def __init__(self, protocol, fd):
        super().__init__({"socket": Quiet(fd), "peername": ("192.0.2.1", 1)})
        self.protocol = protocol
        self.written = bytearray()
        self.ended = False
        self.paused = False
        self.closed = False

    def set_write_buffer_limits(self, high=None, low=None):
        return

    def write(self, data):
        self.written += data

    def write_eof(self):
        self.ended = True

    def pause_reading(self):
        self.paused = True

    def resume_reading(self):
        self.paused = False

    def is_closing(self):
        return self.closed

    def close(self):
        if not self.closed:
            self.closed = True
            self.protocol.connection_lost(None)

    abort = close


class MemoryPool(Pool):
    """Opens connections in memory, or none while ``away``."""

    def __init__(self, limits, fd):
        super().__init__(limits)
        self.opened = []
        self.away = 0
        self._fd = fd

    async def open(self, address):
        if self.away:
            self.away -= 1
            return None
        upstream = Upstream(self, address)
        upstream.connection_made(Memory(upstream, self._fd))
        self.opened.append(upstream)
        return upstream


@dataclass
class Desk:
    """One carrier's shared state, with what it reported."""

    shared: Shared
    pool: MemoryPool
    done: list = field(default_factory=list)
    errors: list = field(default_factory=list)

    def connect(self):
        connection = Connection(self.shared)
        connection.connection_made(Memory(connection, 0))
        return connection


@pytest.fixture
def quiet_fd():
    """A descriptor on which nothing ever arrives."""
    reading, writing = os.pipe()
    yield reading
    os.close(reading)
    os.close(writing)


@pytest.fixture
def make_desk(quiet_fd):
    """Makes a desk for the running loop, from a decide function or a Carry for everything."""

    def make(decide=None, **limits):
        if decide is None:
            decide = Carry("unix:/memory", "one")
        if isinstance(decide, Carry):
            fixed = decide

            async def decide(head, attempt):
                return fixed

        bounds = Limits(**limits)
        pool = MemoryPool(bounds, quiet_fd)
        loop = asyncio.get_running_loop()
        desk = Desk(None, pool)
        desk.shared = Shared(
            loop,
            decide,
            bounds,
            pool,
            render_plainly,
            desk.done.append,
            lambda head, error: desk.errors.append(error),
        )
        return desk

    return make


@pytest.fixture
def settle():
    """Lets everything that can happen happen."""

    async def run():
        for _ in range(6):
            await asyncio.sleep(0)

    return run
