"""The app object of an entry point: ``module:attribute``, ``module:dotted.attribute`` or ``module:factory()``."""

from __future__ import annotations

import importlib
import os
import sys

from tholos_guest.failure import CannotStart, last_place

TYPE_CHECKING = False  # typing is not imported: start-up time
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

USUAL = ("app", "application", "create_app()", "make_app()")
"""What is tried, in this order, where the entry point names something that is not there."""


def load(entrypoint: str) -> object:
    """Import the module and find the app in it; of a Dash app, the app that it is served by.

    Raises:
        CannotStart: importing failed, nothing of that name is there, the factory failed, or it is not callable.
    """
    module_name, _, wanted = entrypoint.partition(":")
    module = import_module(module_name)
    found, name = find(module, wanted or USUAL[0])
    if name != wanted:
        sys.stderr.write(
            '[tholos] module "%s" has no attribute "%s"; using "%s"\n'
            % (module_name, wanted or USUAL[0], name)
        )
    if name.endswith("()") and callable(found):
        found = call(found, module_name, name)
    if is_a(found, "dash", "Dash"):
        found = getattr(found, "server", None)
    if not callable(found):
        kind = type(found).__name__
        raise CannotStart('"%s:%s" is not an app: it is of type %s, not callable' % (module_name, name, kind))
    return found


def is_a(found: object, package: str, name: str) -> bool:
    """Whether an object is of a package's class, or of one that derives from it, without importing the package."""
    return any(
        one.__name__ == name and one.__module__.partition(".")[0] == package for one in type(found).__mro__
    )


def import_module(name: str) -> ModuleType:
    """The module, or the reason why importing it failed, with the line of the app's code."""
    try:
        return importlib.import_module(name)
    except SystemExit as error:
        place = last_place(error.__traceback__, os.getcwd()) or name
        message = '%s ends the process while "%s" is imported (exit code %s)' % (place, name, error.code)
        raise CannotStart(message) from error
    except Exception as error:  # the app's own code: it may raise anything
        raise CannotStart(explain(error, name)) from error


def explain(error: BaseException, name: str) -> str:
    """One sentence about an import that failed."""
    place = last_place(error.__traceback__, os.getcwd())
    if isinstance(error, ModuleNotFoundError) and error.name:
        if not place and (name == error.name or name.startswith(error.name + ".")):
            return 'there is no module "%s"; the folder has: %s' % (name, modules_here())
        top = error.name.partition(".")[0]
        return '%s imports "%s", which is not installed; add it to the requirements' % (place or name, top)
    if isinstance(error, SyntaxError) and error.filename:
        where = "%s:%s" % (os.path.relpath(error.filename), error.lineno)
        return "%s: %s: %s" % (where, type(error).__name__, error.msg)
    text = str(error).partition("\n")[0]
    return 'importing "%s" failed at %s: %s: %s' % (name, place or name, type(error).__name__, text)


def modules_here() -> str:
    """The names that could be imported from the app's folder, for people."""
    names = []
    for entry in sorted(os.listdir(".")):
        stem, extension = os.path.splitext(entry)
        if extension == ".py":
            names.append(stem)
        elif os.path.exists(os.path.join(entry, "__init__.py")):
            names.append(entry)
    return shorten(names)


def find(module: ModuleType, wanted: str) -> tuple[object, str]:
    """The wanted attribute, else the first usual one, with the name under which it was found."""
    failed: AttributeError | None = None
    for name in (wanted, *USUAL):
        found: object = module
        try:
            for part in name.replace("()", "").split("."):
                found = getattr(found, part)
        except AttributeError as error:
            if last_place(error.__traceback__, os.getcwd()):  # what makes the attribute is code of the app
                failed = failed or error
            continue
        except Exception as error:  # the same
            raise CannotStart(explain(error, module.__name__)) from error
        return found, name
    if failed is not None:
        raise CannotStart(explain(failed, module.__name__)) from failed
    public = [name for name in vars(module) if not name.startswith("_")]
    raise CannotStart(
        'module "%s" has no attribute "%s"; it has: %s' % (module.__name__, wanted, shorten(sorted(public)))
    )


def call(factory: Callable[[], object], module_name: str, name: str) -> object:
    """What the factory makes."""
    try:
        return factory()
    except SystemExit as error:
        raise CannotStart(
            "%s in %s ends the process (exit code %s)" % (name, module_name, error.code)
        ) from error
    except Exception as error:  # the app's own code: it may raise anything
        place = last_place(error.__traceback__, os.getcwd()) or module_name
        text = str(error).partition("\n")[0]
        raise CannotStart("%s failed at %s: %s: %s" % (name, place, type(error).__name__, text)) from error


def shorten(names: list[str]) -> str:
    """A list for one line."""
    return (", ".join(names[:12]) + (" …" if len(names) > 12 else "")) or "nothing"
