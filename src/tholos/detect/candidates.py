"""What of a folder could be published, and by which convention it ranks.

A candidate's rank is a tuple; lower is better, and equal ranks of different apps are nobody's guess. It is made of

1. the place: a file with a known name in the folder itself, one in a package or source folder of it, the package's own
   ``__init__.py``, another file of the folder, a file anywhere else;
2. the file's name, in the order of ``NAMES``;
3. the object's name: ``app``, ``application``, ``server`` or ``api``, any other object, the factories in the order of
   ``definitions.FACTORIES``, classes.

A file that defines no app may be a script that is one: of Streamlit, Panel or Bokeh, or of Shiny's Express.

Tests, examples, documentation, set-up scripts and the pages of a Streamlit app are no candidates. Files anywhere else are
read only where nothing better was found.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from tholos.detect import django, frameworks, scripts
from tholos.detect.definitions import FACTORIES, App, Definition, Reader
from tholos.detect.errors import SourceBroken, SourceTooLarge
from tholos.detect.model import Evidence, Kind
from tholos.detect.modules import Modules
from tholos.detect.scripts import Script
from tholos.detect.sources import Folder, Source

NAMES = (
    "app.py",
    "application.py",
    "main.py",
    "api.py",
    "wsgi.py",
    "asgi.py",
    "server.py",
    "streamlit_app.py",
    "flask_app.py",
    "run.py",
    "index.py",
    "webapp.py",
    "__main__.py",
)
"""File names, best first; ``*_app.py`` and ``app_*.py`` follow."""

FILES_LIMIT = 100
"""Files of the folder itself that are looked into."""

DEEPER_LIMIT = 60
"""Files deeper down that are parsed for want of better."""

_OBJECTS = {"app": 0, "application": 1, "server": 2, "api": 2}
_ASIDE = frozenset(
    [
        "tests",
        "test",
        "testing",
        "examples",
        "example",
        "samples",
        "docs",
        "doc",
        "benchmarks",
        "migrations",
        "alembic",
        "versions",
        "vendor",
        "third_party",
    ]
)
_NOT_APPS = frozenset(
    [
        "setup.py",
        "conftest.py",
        "noxfile.py",
        "fabfile.py",
        "manage.py",
        "tests.py",
        "test.py",
        "gunicorn.conf.py",
        "__version__.py",
    ]
)
_TEST_FILE = re.compile(r"test_.*\.py|.*_tests?\.py")
_APP_FILE = re.compile(r".*[-_]app\.py|app[-_].*\.py")
_MENTIONS = re.compile(frameworks.MENTIONS.encode())
_IMPORT_LINE = re.compile(rb"^[ \t]*(?:from|import)[ \t]+([^\n#]+)", re.MULTILINE)

Rank = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to start an app."""

    entrypoint: str
    kind: Kind
    framework: str
    evidence: Evidence
    """The statement that binds the name."""
    origin: Evidence
    """The statement that makes the app."""
    rank: Rank
    root: str = ""
    """The folder that must be on ``sys.path``."""
    how: str = "object"


class Finder:
    """Looks through one folder for what can be started."""

    def __init__(self, folder: Folder, modules: Modules, reader: Reader) -> None:
        self._folder = folder
        self._modules = modules
        self._reader = reader
        self._only = len(folder.python) == 1
        self._imported: dict[str, set[bytes]] = {}
        self.broken: dict[Rank, SourceBroken | SourceTooLarge] = {}
        """Files that could not be read, by the best rank that they could have had."""

    def all(self) -> list[Candidate]:
        """Every candidate, best first; of several names of one app only the best."""
        project = django.find(self._folder, self._modules, self._reader)
        found = [self._django(project)] if project else []
        own, other = self._files()
        found += [candidate for path in own for candidate in self.of_file(path)]
        if not found:
            found = self._deeper(other)
        return _distinct(found)

    def _deeper(self, paths: list[str]) -> list[Candidate]:
        """The candidates in the uppermost folders that have any."""
        looked = 0
        for _, level in itertools.groupby(paths, key=lambda path: path.count("/")):
            found: list[Candidate] = []
            for path in level:
                if looked < DEEPER_LIMIT and self._mentions(path):
                    looked += 1
                    found += self.of_file(path)
            if found or looked >= DEEPER_LIMIT:
                return found
        return []

    def _files(self) -> tuple[list[str], list[str]]:
        """Files to look into at once, and those for want of better."""
        paths = [path for path in self._folder.python if self._only or not is_aside(path)]
        own = [path for path in paths if self.place(path)[0] < 4]
        known = [path for path in own if self.place(path)[0] < 3]
        unknown = [path for path in own if self.place(path)[0] == 3 and self._mentions(path)]
        rest = sorted(
            (path for path in paths if self.place(path)[0] >= 4), key=lambda path: (path.count("/"), path)
        )
        return known[:FILES_LIMIT] + unknown[:FILES_LIMIT], rest[: 10 * FILES_LIMIT]

    def _mentions(self, path: str) -> bool:
        return _MENTIONS.search(self._folder.read(path)) is not None

    def place(self, path: str) -> tuple[int, int]:
        """The first two parts of a file's rank."""
        folder, _, name = path.rpartition("/")
        known = NAMES.index(name) if name in NAMES else len(NAMES) if _APP_FILE.fullmatch(name) else None
        if not folder:
            return (0, known) if known is not None else (3, len(NAMES) + 1)
        if folder.count("/") > (1 if folder.startswith("src/") else 0):
            return 4, folder.count("/")
        if name == "__init__.py":
            return 2, 0
        return (1, known) if known is not None else (4, folder.count("/"))

    def of_file(self, path: str) -> list[Candidate]:
        """The candidates of one file."""
        try:
            source = self._folder.parse(path)
        except (SourceBroken, SourceTooLarge) as error:
            self.broken[*self.place(path), 0] = error
            return []
        found = [self.candidate(definition, source) for definition in self._reader.definitions(path)]
        if len(found) > 1:
            found = [candidate for candidate in found if not self._is_mounted(candidate)] or found
        return found or self._script(source)

    def _is_mounted(self, candidate: Candidate) -> bool:
        """Whether an app is only a part of another one of its file."""
        name = re.escape(candidate.entrypoint.partition(":")[2].removesuffix("()"))
        by = r"\.mount|\bMount|DispatcherMiddleware"
        mounted = rf"(?:{by})\([^\n]{{0,200}}\b{name}\b|\bDash\([^\n]{{0,200}}\bserver ?= ?{name}\b"
        if candidate.kind is Kind.GRADIO:
            mounted += rf"|\bmount_gradio_app\([^\n]{{0,200}}\b{name}\b"
        return re.search(mounted.encode(), self._folder.read(candidate.evidence.path)) is not None

    def candidate(self, definition: Definition, source: Source) -> Candidate:
        """A definition as something to start."""
        root, module = self._modules.home(source)
        bare = definition.name.removesuffix("()")
        rank = 10 + FACTORIES.index(bare) if definition.name.endswith("()") and bare in FACTORIES else 3
        rank = 30 if definition.how == "class" else _OBJECTS.get(definition.name, rank)
        app: App = definition.app
        evidence = Evidence(source.path, definition.line)
        return Candidate(
            f"{module}:{definition.name}",
            app.kind,
            app.framework,
            evidence,
            app.origin,
            (*self.place(source.path), rank),
            root,
            definition.how,
        )

    def _script(self, source: Source) -> list[Candidate]:
        """A script: a file that uses one of their frameworks, is nobody's module and no page of another."""
        script = scripts.find(source, self._folder.read(source.path))
        if not script or "pages" in source.path.split("/")[:-1] or source.path.endswith("__init__.py"):
            return []
        place = self.place(source.path)
        if place[0] >= 3 and self._is_imported(source.path):
            return []
        return [of_script(source.path, script, (*place, 0))]

    def pages(self, script: str) -> list[str]:
        """The further scripts of a Streamlit app: those in ``pages`` and those that its main script names."""
        folder = script.rpartition("/")[0]
        below = f"{folder}/" if folder else ""
        source = self._folder.find(script)
        named: set[str] = set()
        for node in ast.walk(source.tree) if source else ():
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith(".py"):
                named.add(below + node.value.removeprefix("./"))
        return [path for path in self._folder.python if path in named or path.startswith(f"{below}pages/")]

    def _is_imported(self, path: str) -> bool:
        """Whether a module beside it imports it."""
        folder, _, name = path.rpartition("/")
        if folder not in self._imported:
            words: set[bytes] = set()
            beside = (other for other in self._folder.python if other.rpartition("/")[0] == folder)
            for other in itertools.islice(beside, FILES_LIMIT):
                for line in _IMPORT_LINE.findall(self._folder.read(other)):
                    words.update(re.findall(rb"\w+", line))
            self._imported[folder] = words
        return name.removesuffix(".py").encode() in self._imported[folder]

    @staticmethod
    def _django(project: django.Project) -> Candidate:
        where = Evidence(project.path, project.line)
        return Candidate(
            project.entrypoint,
            project.kind,
            frameworks.DJANGO,
            where,
            project.origin,
            (0, -1, 0),
            project.root,
            "project",
        )


def is_aside(path: str) -> bool:
    """Whether a file is a test, an example, documentation or set-up rather than the app."""
    *folders, name = path.split("/")
    return name in _NOT_APPS or _TEST_FILE.fullmatch(name) is not None or not _ASIDE.isdisjoint(folders)


def of_script(path: str, script: Script, rank: Rank = (0, 0, 0)) -> Candidate:
    """A script as something to start."""
    where, root = Evidence(path, script.line), path.rpartition("/")[0]
    entrypoint = scripts.express_entrypoint(path) if script.kind is Kind.ASGI else path
    return Candidate(entrypoint, script.kind, script.framework, where, where, rank, root, "script")


def _distinct(found: Iterable[Candidate]) -> list[Candidate]:
    ordered = sorted(
        found, key=lambda candidate: (candidate.rank, candidate.how == "imported", candidate.entrypoint)
    )
    kept: dict[Evidence, Candidate] = {}
    has_django = False
    for candidate in ordered:
        is_django = candidate.framework == frameworks.DJANGO
        if is_django and has_django:  # wsgi.py and asgi.py of one project are one app
            continue
        has_django = has_django or is_django
        kept.setdefault(candidate.origin, candidate)
    return list(kept.values())
