"""What detection refuses. Each names the place, what was found there, and the flag or edit that settles it."""

from __future__ import annotations

from tholos.kit.errors import Invalid

SUPPORTED = (
    "Flask, Django, Dash and anything else that speaks WSGI; FastAPI, Shiny and anything else that speaks ASGI; "
    "Gradio; Streamlit, Panel and Bokeh scripts; marimo notebooks; notebooks, rendered or by Voilà; static sites; any command that listens "
    "on $PORT (--command)"
)
"""What can be published today, for messages."""


class NothingToPublish(Invalid):
    """Cannot find anything to publish here."""

    code = "nothing_to_publish"


class SeveralEntrypoints(Invalid):
    """Cannot choose an entry point: several are equally good."""

    code = "several_entrypoints"


class EntrypointMissing(Invalid):
    """Cannot use this entry point: it is not there."""

    code = "entrypoint_missing"


class SourceBroken(Invalid):
    """Cannot read this source file: it is not valid Python."""

    code = "source_broken"


class SourceTooLarge(Invalid):
    """Cannot read this file: it is larger than detection reads."""

    code = "source_too_large"


class FileMalformed(Invalid):
    """Cannot read this file: it is not of its form."""

    code = "file_malformed"


class OverrideInvalid(Invalid):
    """Cannot use this flag's value."""

    code = "override_invalid"


class KindUnsupported(Invalid):
    """Cannot publish this kind of app yet."""

    code = "kind_unsupported"


class AppModeUnsupported(Invalid):
    """Cannot publish: the manifest asks for an app mode that is not served here."""

    code = "app_mode_unsupported"


class PythonConflict(Invalid):
    """Cannot choose a Python: the files contradict each other."""

    code = "python_conflict"


class ManifestMisfit(Invalid):
    """Cannot publish: what the manifest says does not fit the files beside it."""

    code = "manifest_misfit"


class FolderIsPackage(Invalid):
    """Cannot import this folder's modules: they are parts of a package that is the folder itself."""

    code = "folder_is_package"


class PackageFileMissing(Invalid):
    """Cannot write a manifest: no file lists the packages for pip."""

    code = "package_file_missing"


class ManifestNameTaken(Invalid):
    """Cannot write a manifest: the file of that name is something else."""

    code = "manifest_name_taken"
