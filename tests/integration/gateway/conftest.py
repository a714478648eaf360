"""A carrier on real sockets, upstreams that say exactly what a test wants, and a client that does the same."""

import asyncio
import contextlib
import itertools
from dataclasses import dataclass, field

import pytest
import uvicorn
import uvloop

from tholos.gateway.carrier import Carrier
from tholos.gateway.limits import Limits
from tholos.gateway.model import Answer, Carry

SHORT = 5.0


def pytest_asyncio_loop_factories(config, item):
    """Everything holds on both loops."""
    return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}


async def poll(condition):
    async with asyncio.timeout(SHORT):
        while not condition():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.002)


@pytest.fixture
def until():
    """Waits for a condition."""
    return poll


@dataclass
class Door:
    """A carrier with its address, and what it reported."""

    carrier: Carrier
    port: int
    done: list = field(default_factory=list)
    errors: list = field(default_factory=list)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    async def connect(self):
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def ask(self, data, *, end=False):
        """Everything that comes back until the carrier closes; ``end`` half-closes after sending."""
        reader, writer = await self.connect()
        try:
            writer.write(data)
            if end:
                writer.write_eof()
            async with asyncio.timeout(SHORT):
                return await reader.read()
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


@pytest.fixture
async def open_door():
    """Starts carriers: give it a decide function, or a Carry for everything."""
    doors = []

    async def start(decide, **options):
        if isinstance(decide, Carry | Answer):
            fixed = decide

            async def decide(head, attempt):
                return fixed if attempt == 0 else Answer(503, body=b"away")

        door = Door(None, 0)
        limits = Limits(**options.pop("limits", {}))
        door.carrier = Carrier(
            decide,
            limits=limits,
            on_done=door.done.append,
            on_error=lambda head, error: door.errors.append(error),
            **options,
        )
        _, door.port = await door.carrier.listen_tcp()
        doors.append(door)
        return door

    yield start
    for door in doors:
        await door.carrier.close()


@dataclass
class Backend:
    """A process that answers by a script, and what it received."""

    address: str
    connections: list = field(default_factory=list)
    received: list = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    server: asyncio.Server | None = None


async def read_head(reader):
    async with asyncio.timeout(SHORT):
        return await reader.readuntil(b"\r\n\r\n")


@pytest.fixture
async def backend(tmp_path):
    """Starts upstreams from ``async def script(reader, writer, backend)``, called once per connection."""
    numbers = itertools.count()
    backends = []
    tasks = set()

    async def start(script, *, path=None):
        path = path or tmp_path / f"up{next(numbers)}"
        this = Backend(f"unix:{path}")

        async def serve(reader, writer):
            tasks.add(asyncio.current_task())
            this.connections.append(writer)
            try:
                await script(reader, writer, this)
            except (ConnectionError, asyncio.IncompleteReadError):
                this.closed.set()
            except asyncio.CancelledError:
                return
            finally:
                writer.close()
                with contextlib.suppress(OSError, asyncio.CancelledError):
                    await writer.wait_closed()
                tasks.discard(asyncio.current_task())

        this.server = await asyncio.start_unix_server(serve, path, limit=2**20)
        backends.append(this)
        return this

    yield start
    for this in backends:
        this.server.close()
    for task in list(tasks):
        task.cancel()
    await poll(lambda: not tasks)


@pytest.fixture
async def answering(backend):
    """An upstream that reads each request's head and answers it with the same bytes."""

    async def start(answer, *, close=True):
        async def script(reader, writer, this):
            while True:
                this.received.append(await read_head(reader))
                writer.write(answer)
                if close:
                    return

        return await backend(script)

    return start


@pytest.fixture
async def asgi(tmp_path):
    """Starts a real uvicorn with an ASGI application on a unix socket; returns its address and the server."""
    servers = []
    numbers = itertools.count()

    async def start(app, **options):
        path = tmp_path / f"asgi{next(numbers)}"
        config = uvicorn.Config(
            app, uds=str(path), log_level="critical", lifespan="off", ws="websockets-sansio", **options
        )
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None
        server.capture_signals = contextlib.nullcontext
        task = asyncio.get_running_loop().create_task(server.serve())
        await poll(lambda: server.started)
        servers.append((server, task))
        return f"unix:{path}", server, task

    yield start
    for server, task in servers:
        server.should_exit = True
        server.force_exit = True
        await task
