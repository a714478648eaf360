"""Which names of a module are apps: reading a module as Python would run it, as far as apps are concerned.

Assignments, imports, functions and classes are followed in source order; an import from a local module is followed when its
name is needed; a call of a local function is worth what the function returns. Everything else is unknown, which is no app.
Nothing is executed. What stands under ``if __name__ == "__main__"`` is kept apart: an import never makes it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

from tholos.detect import frameworks, signatures, statements
from tholos.detect.model import Evidence, Kind
from tholos.detect.modules import Modules
from tholos.detect.sources import Folder
from tholos.detect.statements import Guard

DEPTH_LIMIT = 16
"""Steps of indirection that are followed: calls in calls, functions in functions, modules in modules."""

FACTORIES = (
    "create_app",
    "make_app",
    "create_application",
    "make_application",
    "get_app",
    "get_application",
    "build_app",
    "app_factory",
    "application_factory",
    "create_api",
)
"""Names under which a function is taken for a factory, best first."""

_LAUNCHED = "demo"
_APP_NAME = re.compile(r"app|api|server|wsgi|asgi|site|web", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class App:
    """An object that a server can be given."""

    kind: Kind
    framework: str
    origin: Evidence
    """Where it is made: two names with one origin are one app."""


@dataclass(frozen=True, slots=True)
class _External:
    dotted: str


@dataclass(frozen=True, slots=True)
class _Local:
    """A local module, or an attribute of one."""

    stem: str
    attribute: str = ""


@dataclass(frozen=True, slots=True)
class _Function:
    node: ast.FunctionDef | ast.AsyncFunctionDef
    path: str


@dataclass(frozen=True, slots=True)
class _Class:
    node: ast.ClassDef
    path: str


_Value = App | _External | _Local | _Function | _Class | None


@dataclass(frozen=True, slots=True)
class Scope:
    """The names of a module, or of a function while it is read."""

    path: str
    values: dict[str, _Value]
    lines: dict[str, int]
    stars: list[_External | _Local]
    guarded: dict[str, int]
    """Names bound only under the main guard, with their lines."""

    def inner(self) -> Scope:
        return Scope(self.path, dict(self.values), dict(self.lines), list(self.stars), {})


@dataclass(frozen=True, slots=True)
class Definition:
    """A name of a module under which an app can be had."""

    name: str
    """``app``, or ``create_app()`` for a factory."""
    app: App
    line: int
    how: str
    """``object``, ``factory``, ``imported``, ``function`` or ``class``."""


class Reader:
    """Reads modules of one folder; what was read once is kept."""

    def __init__(self, folder: Folder, modules: Modules) -> None:
        self._folder = folder
        self._modules = modules
        self._scopes: dict[str, Scope] = {}
        self._returned: dict[tuple[str, int], App | None] = {}
        self._instances: dict[tuple[str, int], tuple[Kind, str] | None] = {}

    def scope(self, path: str, depth: int = 0) -> Scope | None:
        """A module's names; those bound so far while it is being read, as in a circular import."""
        if path not in self._scopes:
            source = self._folder.find(path) if depth < DEPTH_LIMIT else None
            if source is None:
                return None
            scope = self._scopes[path] = Scope(path, {}, {}, [], {})
            self._run(source.tree.body, scope, depth + 1)
        return self._scopes[path]

    def definitions(self, path: str) -> list[Definition]:
        """Every app that a module offers, in source order."""
        scope = self.scope(path)
        found = [self._definition(name, scope, scope.lines[name]) for name in scope.values] if scope else []
        return [definition for definition in found if definition is not None]

    def _definition(self, name: str, scope: Scope, line: int) -> Definition | None:
        value = scope.values[name]
        how = "object"
        if isinstance(value, _Local) and _APP_NAME.search(name):
            value, how = self._resolve(value, 0), "imported"
        if isinstance(value, App):
            return Definition(name, value, line, how)
        if isinstance(value, _Function):
            return self._of_function(name, value, line, how)
        if isinstance(value, _Class) and how == "object":
            app = signatures.of_class_itself(value.node)
            return Definition(name, App(*app, Evidence(value.path, line)), line, "class") if app else None
        return None

    def _of_function(
        self, name: str, function: _Function, line: int, how: str, *, known: bool = True
    ) -> Definition | None:
        node = function.node
        called = signatures.of_function(node)
        if called:
            return Definition(
                name,
                App(*called, Evidence(function.path, node.lineno)),
                line,
                how.replace("object", "function"),
            )
        if (
            (name in FACTORIES or not known)
            and isinstance(node, ast.FunctionDef)
            and signatures.takes_nothing(node)
        ):
            app = self._call(function, 0)
            return Definition(f"{name}()", app, line, "factory") if app else None
        return None

    def lookup(self, path: str, name: str) -> Definition | None:
        """The app under one name of a module, whatever it is called: ``app``, ``module.app`` or ``factory()``."""
        scope = self.scope(path)
        bare = name.removesuffix("()")
        first, *rest = bare.split(".")
        if scope is None or first not in scope.values:
            return None
        value = self._resolve(scope.values[first], 0)
        for attribute in rest:
            value = self._attribute(value, attribute, 0)
        if name.endswith("()"):
            value = self._call(value, 0)
        elif isinstance(value, _Function):
            return self._of_function(bare, value, scope.lines[first], "object", known=False)
        elif isinstance(value, _Class):
            app = signatures.of_class_itself(value.node)
            value = App(*app, Evidence(value.path, value.node.lineno)) if app else None
        return Definition(name, value, scope.lines[first], "object") if isinstance(value, App) else None

    def _run(self, body: Sequence[ast.stmt], scope: Scope, depth: int) -> App | None:
        """Bind what a block binds; the last app that it returns."""
        returned: App | None = None
        for node, guard in statements.walk(body):
            if guard is Guard.TYPING:
                continue
            target = scope if guard is not Guard.MAIN else Scope(scope.path, {}, {}, [], {})
            if isinstance(node, ast.Return) and node.value is not None:
                returned = self._app(node.value, scope, depth) or returned
            else:
                self._bind(node, target, depth)
            if guard is Guard.MAIN:
                scope.guarded.update(target.lines)
        return returned

    def _bind(self, node: ast.stmt, scope: Scope, depth: int) -> None:
        if isinstance(node, ast.Import):
            self._bind_import(node, scope)
        elif isinstance(node, ast.ImportFrom):
            self._bind_from(node, scope)
        elif isinstance(node, ast.Assign):
            self._bind_names(node.targets, node.value, None, scope, depth)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            self._bind_names([node.target], node.value, node.annotation, scope, depth)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            _set(scope, node.name, self._decorated(node, scope, depth), node.lineno)
        elif isinstance(node, ast.ClassDef):
            _set(scope, node.name, _Class(node, scope.path), node.lineno)
        else:
            self._bind_used(node, scope, depth)

    def _bind_used(self, node: ast.stmt, scope: Scope, depth: int) -> None:
        """What is bound by using something: ``with … as name``, and of Gradio what is launched."""
        if isinstance(node, ast.Expr):
            self._bind_launched(node.value, scope, depth)
        for item in node.items if isinstance(node, ast.With) else ():
            if item.optional_vars is not None:
                self._bind_names([item.optional_vars], item.context_expr, None, scope, depth)

    def _bind_import(self, node: ast.Import, scope: Scope) -> None:
        for alias in node.names:
            dotted = alias.name if alias.asname else alias.name.split(".")[0]
            stem = self._modules.absolute(dotted, scope.path)
            value = _Local(stem) if stem is not None else _External(dotted)
            _set(scope, alias.asname or dotted, value, node.lineno)

    def _bind_from(self, node: ast.ImportFrom, scope: Scope) -> None:
        stem = self._modules.imported(node, scope.path)
        if stem is None and node.level:
            return
        for alias in node.names:
            if alias.name == "*":
                scope.stars.append(_Local(stem) if stem is not None else _External(node.module or ""))
                continue
            value = _Local(stem, alias.name) if stem is not None else _External(f"{node.module}.{alias.name}")
            _set(scope, alias.asname or alias.name, value, node.lineno)

    def _bind_names(
        self,
        targets: Sequence[ast.expr],
        expression: ast.expr,
        annotation: ast.expr | None,
        scope: Scope,
        depth: int,
    ) -> None:
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        if not names:
            return
        value = self._value(expression, scope, depth) or self._wrapped(names, expression, scope, depth)
        if value is None and annotation is not None:
            value = self._annotated(annotation, scope, expression.lineno, depth)
        for name in names:
            _set(scope, name, value, targets[0].lineno)

    def _bind_launched(self, expression: ast.expr, scope: Scope, depth: int) -> None:
        """Of Gradio, what is launched without having a name: the guest code finds it under this one."""
        if not (isinstance(expression, ast.Call) and isinstance(expression.func, ast.Attribute)):
            return
        app = self._app(expression.func.value, scope, depth) if expression.func.attr == "launch" else None
        if app and app.kind is Kind.GRADIO and app not in scope.values.values():
            _set(scope, _LAUNCHED, app, expression.lineno)

    def _wrapped(self, names: list[str], expression: ast.expr, scope: Scope, depth: int) -> App | None:
        """An app that is put into a wrapper and keeps its name: ``app = ProxyFix(app)``. ``api = Api(app)`` is none."""
        if not isinstance(expression, ast.Call):
            return None
        for argument in [*expression.args, *(keyword.value for keyword in expression.keywords)]:
            kept = isinstance(argument, ast.Name) and argument.id in names
            if kept or any(name in {"app", "application"} for name in names):
                app = self._app(argument, scope, depth + 1)
                if app is not None:
                    return app
        return None

    def _annotated(self, annotation: ast.expr, scope: Scope, line: int, depth: int) -> App | None:
        value = self._value(annotation, scope, depth)
        return self._constructed(value, Evidence(scope.path, line), depth)

    def _decorated(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope, depth: int) -> _Value:
        for decorator in node.decorator_list:
            value = self._value(decorator, scope, depth + 1)
            if isinstance(value, _External) and value.dotted.endswith("Request.application"):
                return App(Kind.WSGI, "Werkzeug", Evidence(scope.path, node.lineno))
        return _Function(node, scope.path)

    def _app(self, expression: ast.expr, scope: Scope, depth: int) -> App | None:
        value = self._resolve(self._value(expression, scope, depth), depth)
        return value if isinstance(value, App) else None

    def _value(self, expression: ast.expr, scope: Scope, depth: int) -> _Value:
        attributes: list[str] = []
        while isinstance(expression, ast.Attribute):
            attributes.append(expression.attr)
            expression = expression.value
        value: _Value = None
        if isinstance(expression, ast.Name):
            value = self._name(expression.id, scope, depth)
        elif isinstance(expression, ast.Call) and depth < DEPTH_LIMIT:
            value = self._called(expression, scope, depth + 1)
        for attribute in reversed(attributes):
            value = self._attribute(value, attribute, depth)
        return value

    def _name(self, name: str, scope: Scope, depth: int) -> _Value:
        return scope.values[name] if name in scope.values else self._starred(name, scope, depth)

    def _starred(self, name: str, scope: Scope, depth: int) -> _Value:
        """A name that only ``from … import *`` can bring."""
        waiting, seen = [scope], {scope.path}
        while waiting:
            for star in waiting.pop(0).stars:
                if isinstance(star, _External):
                    if f"{star.dotted}.{name}" in frameworks.CONSTRUCTORS:
                        return _External(f"{star.dotted}.{name}")
                    continue
                path = self._modules.file(star.stem)
                inner = self.scope(path, depth + 1) if path and path not in seen else None
                if inner is not None and name in inner.values:
                    return inner.values[name]
                if inner is not None:
                    seen.add(inner.path)
                    waiting.append(inner)
        return None

    def _attribute(self, value: _Value, name: str, depth: int) -> _Value:
        if isinstance(value, _External):
            return _External(f"{value.dotted}.{name}")
        if isinstance(value, _Local):
            if not value.attribute:
                return _Local(value.stem, name)
            inner = self._resolve(value, depth)
            return (
                None if isinstance(inner, _Local) and inner.attribute else self._attribute(inner, name, depth)
            )
        if isinstance(value, App) and value.framework == frameworks.DASH and name == "server":
            return App(Kind.WSGI, frameworks.DASH, value.origin)
        if isinstance(value, App) and value.kind is Kind.GRADIO and name == "queue":
            return value
        return value if isinstance(value, App) and name in {"wsgi_app", "asgi_app"} else None

    def _resolve(self, value: _Value, depth: int) -> _Value:
        """Follow a name into the local modules it comes from."""
        for _ in range(DEPTH_LIMIT - min(depth, DEPTH_LIMIT)):
            if not isinstance(value, _Local) or not value.attribute:
                return value
            path = self._modules.file(value.stem)
            scope = self.scope(path, depth + 1) if path else None
            below = f"{value.stem}/{value.attribute}" if value.stem else value.attribute
            if scope is not None and value.attribute in scope.values:
                value = scope.values[value.attribute]
            elif self._modules.exists(below):
                return _Local(below)
            else:
                value = self._starred(value.attribute, scope, depth + 1) if scope else None
        return None

    def _called(self, call: ast.Call, scope: Scope, depth: int) -> _Value:
        function = self._resolve(self._value(call.func, scope, depth), depth)
        made = self._constructed(function, Evidence(scope.path, call.lineno), depth) or self._call(
            function, depth
        )
        if made is None and isinstance(function, App) and function.kind is Kind.GRADIO:
            return function  # its ``queue`` gives it back
        if made is None and isinstance(call.func, ast.Attribute) and call.func.attr in frameworks.METHODS:
            kind, framework = frameworks.METHODS[call.func.attr]
            return App(kind, framework, Evidence(scope.path, call.lineno))
        return made

    def _constructed(self, value: _Value, origin: Evidence, depth: int) -> App | None:
        """What calling a framework's class or function makes, or a local class that derives from one or has its signature."""
        value = self._resolve(value, depth)
        if isinstance(value, _External) and value.dotted in frameworks.CONSTRUCTORS:
            return App(*frameworks.CONSTRUCTORS[value.dotted], origin)
        made = self._instance(value, depth) if isinstance(value, _Class) else None
        return App(*made, origin) if made else None

    def _instance(self, made: _Class, depth: int) -> tuple[Kind, str] | None:
        key = (made.path, made.node.lineno)
        if key not in self._instances:
            self._instances[key] = None
            self._instances[key] = self._derived(made, depth) or signatures.of_instance(made.node)
        return self._instances[key]

    def _derived(self, made: _Class, depth: int) -> tuple[Kind, str] | None:
        scope = self.scope(made.path, depth + 1)
        if scope is None or depth >= DEPTH_LIMIT:
            return None
        origin = Evidence(made.path, made.node.lineno)
        for base in made.node.bases:
            app = self._constructed(self._value(base, scope, depth + 1), origin, depth + 1)
            if app is not None:
                return app.kind, app.framework
        return None

    def _call(self, value: _Value, depth: int) -> App | None:
        """What a local function returns."""
        if not isinstance(value, _Function) or depth >= DEPTH_LIMIT:
            return None
        key = (value.path, value.node.lineno)
        if key in self._returned:
            return self._returned[key]
        self._returned[key] = None
        module = self.scope(value.path, depth + 1)
        if module is None:
            return None
        origin = Evidence(value.path, value.node.lineno)
        app = self._run(value.node.body, module.inner(), depth + 1)
        if app is None and value.node.returns is not None:
            app = self._annotated(value.node.returns, module, value.node.lineno, depth + 1)
        self._returned[key] = App(app.kind, app.framework, origin) if app else None
        return self._returned[key]


def _set(scope: Scope, name: str, value: _Value, line: int) -> None:
    scope.values[name] = value
    scope.lines[name] = line
