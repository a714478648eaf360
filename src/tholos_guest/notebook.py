"""A notebook, executed and rendered before anybody is answered; what is served is the page that came of it.

A restart of the app renders anew, and the old page is served until the new one is done.
"""

from __future__ import annotations

import os
import re
import signal
import tempfile
import threading

from tholos_guest import entry, static
from tholos_guest.failure import CannotStart

TYPE_CHECKING = False  # typing is not imported: start-up time
if TYPE_CHECKING:
    from typing import Any

KERNEL = "python3"
"""The kernel of the app's own environment, whatever it was called where the notebook was written."""
HIDDEN_TAG = "hide_input"

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_CELL_LINE = re.compile(r"^\s*(?:Cell|Input) In ?\[\d+\], line (\d+)|^-+> ?(\d+)", re.MULTILINE)
_FILE_LINE = re.compile(r"^File ([^:\n]+):(\d+)(?:, in ([^\n(]+))?", re.MULTILINE)


def serve(path: str, socket_path: str, grace_s: float, options: frozenset[str]) -> None:
    """Render, then serve until TERM.

    Raises:
        CannotStart: there is no such notebook, what runs it is not installed, or a cell failed.
    """
    if not os.path.isfile(path):
        raise CannotStart("there is no file %s" % path)
    with tempfile.TemporaryDirectory(prefix="notebook-") as folder:
        arrange(folder)
        try:
            page = render(path, options)
        except Ended:
            return
        site = os.path.join(folder, "site")
        os.mkdir(site)
        with open(os.path.join(site, "index.html"), "w", encoding="utf-8") as file:
            file.write(page)
        static.serve(site, socket_path, grace_s)


class Ended(BaseException):
    """TERM came."""


def end(_number: int, _frame: object) -> None:
    raise Ended


def arrange(folder: str) -> None:
    """What Jupyter writes by the way goes into the instance's own folder, and not into the app's data."""
    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR"):
        os.environ[name] = os.path.join(folder, name.lower())
        os.mkdir(os.environ[name], 0o700)
    os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")


def need(*packages: str) -> None:
    """Raises: CannotStart: one is not installed."""
    from importlib.util import find_spec

    for name in packages:
        if find_spec(name) is None:
            raise CannotStart("%s is not installed; add it to the requirements" % name)


def render(path: str, options: frozenset[str]) -> str:
    """The page of a notebook after all of its cells were executed."""
    need("nbconvert", "ipykernel")
    try:
        import nbformat  # type: ignore[import-not-found]  # in the app's environment
        from nbconvert import HTMLExporter  # type: ignore[import-not-found]  # the same
        from nbconvert.preprocessors import TagRemovePreprocessor  # type: ignore[import-not-found]  # the same
    except ImportError as error:
        raise CannotStart(entry.explain(error, "nbconvert")) from error
    try:
        document = nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat has no common class for what it may raise
        raise CannotStart("%s is not a notebook: %s" % (path, str(error).partition("\n")[0])) from error
    place = os.path.dirname(path) or "."
    execute(document, path, place)
    exporter = HTMLExporter(embed_images=True)
    if "hide_all_input" in options:
        exporter.exclude_input = True
        exporter.exclude_input_prompt = True
        exporter.exclude_output_prompt = True
    if "hide_tagged_input" in options:
        remover = TagRemovePreprocessor(remove_input_tags={HIDDEN_TAG}, enabled=True)
        exporter.register_preprocessor(remover, enabled=True)
    name = os.path.splitext(os.path.basename(path))[0]
    page: str = exporter.from_notebook_node(document, resources={"metadata": {"name": name, "path": place}})[
        0
    ]
    return page


def execute(document: Any, path: str, place: str) -> None:
    """Run every cell, in the notebook's folder as Jupyter does.

    It runs in a thread of its own, so that a TERM is heard at once and takes the kernel along.
    """
    from nbclient import NotebookClient  # type: ignore[import-not-found]  # nbconvert needs it

    client = NotebookClient(
        document, timeout=None, kernel_name=KERNEL, resources={"metadata": {"path": place}}
    )
    failed: list[BaseException] = []

    def work() -> None:
        try:
            client.execute()
        except BaseException as error:  # noqa: BLE001 - told by the thread that waits
            failed.append(error)

    signal.signal(signal.SIGTERM, end)
    worker = threading.Thread(target=work, daemon=True)
    try:
        worker.start()
        while worker.is_alive():
            worker.join(3600)
    except Ended:
        kill(client)
        raise
    if failed:
        raise CannotStart(explain(failed[0], document, path)) from None


def kill(client: Any) -> None:
    """End the kernel, which has a process group of its own."""
    manager = client.km
    process = getattr(getattr(manager, "provisioner", None), "process", None) or getattr(
        manager, "kernel", None
    )
    if process is not None:
        process.kill()
        process.wait()


def explain(error: BaseException, document: Any, path: str) -> str:
    """Which cell failed and why, with a traceback in Python's own form."""
    codes = [cell for cell in document.cells if cell.cell_type == "code"]
    number = next((at for at, cell in enumerate(codes, 1) if has_failed(cell)), 0)
    name, value = getattr(error, "ename", type(error).__name__), getattr(error, "evalue", str(error))
    reason = "%s: %s" % (name, str(value).partition("\n")[0])
    if not number:
        return "%s cannot be executed: %s" % (path, reason)
    text = _COLOURS.sub("", str(getattr(error, "traceback", "")))
    found = _CELL_LINE.search(text)
    frames = [
        '  File "%s, cell %d", line %s, in <cell>' % (path, number, (found and (found[1] or found[2])) or 1)
    ]
    for file, line, function in _FILE_LINE.findall(text):
        frames.append(
            '  File "%s", line %s, in %s' % (os.path.expanduser(file), line, function or "<module>")
        )
    trace = "\n".join(["Traceback (most recent call last):", *frames, reason])
    return "cell %d of %s failed: %s\n%s" % (number, path, reason, trace)


def has_failed(cell: Any) -> bool:
    return any(output.output_type == "error" for output in cell.get("outputs", ()))
