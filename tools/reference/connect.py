"""The features of Posit Connect one by one: what of each is here, and the test that shows it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tools.reference.tables import MADE, table

HEAD = f"""# Features of Posit Connect

What somebody who comes from Posit Connect finds here, by the clients `rsconnect-python`, `posit-sdk` and `pins` or in the browser.
*works*: as there. *differs*: here in another way. The named tests show both, with the real clients where they have a part in it.
*not planned*: with the reason. How to deploy is told in
[Deploy from Posit Connect's clients](how-to/connect.md).

{MADE}

"""
_CONNECT = "tests/integration/connect/"
_DEPLOY = f"{_CONNECT}test_rsconnect.py"
_WAYS = f"{_CONNECT}test_rsconnect_ways.py"
_REFUSES = f"{_CONNECT}test_rsconnect_refuses.py"
_UPLOADS = f"{_CONNECT}test_uploads.py"
_INROADS = f"{_CONNECT}test_inroads.py"
_KINDS = "tests/integration/guest/test_content_kinds.py"
_SDK = f"{_CONNECT}test_posit_sdk.py"
_SCHEDULES = f"{_CONNECT}test_schedules.py"
_ADMIN = f"{_CONNECT}test_rsconnect_administers.py"
_AUDIT = "tests/integration/server/test_notifications_and_audit.py"


class State(StrEnum):
    WORKS = "works"
    DIFFERS = "differs"
    NOT_PLANNED = "not planned"


@dataclass(frozen=True, slots=True)
class Feature:
    """One of them, in the order of Connect's own documentation."""

    name: str
    state: State
    text: str
    """How it is used here, how it differs, or why it is not planned."""
    tests: tuple[str, ...] = ()
    """Ids of tests that show it."""


def _works(name: str, text: str, *tests: str) -> Feature:
    return Feature(name, State.WORKS, text, tests)


def _differs(name: str, text: str, *tests: str) -> Feature:
    return Feature(name, State.DIFFERS, text, tests)


def _not_planned(name: str, text: str) -> Feature:
    return Feature(name, State.NOT_PLANNED, text)


FEATURES: tuple[Feature, ...] = (
    _works(
        "Deploy with one command",
        "`rsconnect deploy KIND .`, unchanged, with a token as its API key.",
        f"{_DEPLOY}::test_deploying_and_what_comes_after",
    ),
    _works(
        "Web APIs",
        "Whatever speaks WSGI or ASGI: `deploy api`, `deploy flask`, `deploy fastapi`.",
        f"{_DEPLOY}::test_deploying_and_what_comes_after",
        f"{_WAYS}::test_fastapi_and_a_title",
    ),
    _works(
        "Interactive frameworks",
        "Dash, Streamlit, Bokeh, Shiny (Core and Express), Gradio and Panel.",
        f"{_WAYS}::test_streamlit",
        f"{_KINDS}::test_dash_is_served_by_the_app_in_it",
        f"{_KINDS}::test_shiny_answers_and_opens_its_websocket",
        f"{_KINDS}::test_gradio_is_mounted_and_its_queue_streams",
        f"{_KINDS}::test_a_script_is_served_at_the_root_with_its_websocket",
    ),
    _differs(
        "Documents",
        "Sites, notebooks that are rendered as they start, and Voilà. Quarto is not planned: it is no Python.",
        f"{_WAYS}::test_a_site",
        f"{_KINDS}::test_a_notebook_is_served_once_it_is_executed",
        f"{_KINDS}::test_voila_serves_a_notebook_and_its_kernel",
    ),
    _differs(
        "Models",
        "A model behind FastAPI, as vetiver makes it, is an ASGI app. TensorFlow's own server is not here.",
        f"{_WAYS}::test_fastapi_and_a_title",
        f"{_REFUSES}::test_an_app_mode_that_is_not_served",
    ),
    _not_planned(
        "Node.js apps", "Tholos runs Python and files; a bundle of another kind is refused by name."
    ),
    _works(
        "Drafts, verification, activation",
        "`deploy` sends a draft, asks for its page and makes it live; what fails never replaces what serves.",
        f"{_WAYS}::test_a_draft_and_making_it_live",
        f"{_WAYS}::test_a_first_draft_makes_nothing_live",
        f"{_REFUSES}::test_an_app_that_ends_while_it_starts",
        f"{_WAYS}::test_a_server_whose_version_is_hidden",
    ),
    _works(
        "History, roll-back, download",
        "Bundles are listed, activated again without a build, and downloaded as they were sent.",
        f"{_DEPLOY}::test_deploying_and_what_comes_after",
    ),
    _differs(
        "Deployment from git",
        "A branch and a folder of a repository by https or ssh, looked at, told by pushes, or fetched when asked; in the "
        "browser, by `rsconnect deploy git`, `posit-sdk` and `tholos publish --git`. A manifest is used and not needed.",
        "tests/browser/test_git_story.py::test_from_git_init_to_deployed_by_itself",
        f"{_CONNECT}test_rsconnect_git.py::test_deploying_changing_and_deploying_again",
        f"{_CONNECT}test_repositories.py::test_following_a_branch",
        "tests/integration/sources/test_following.py::test_a_new_commit_is_noticed_by_itself",
        "tests/integration/sources/test_following.py::test_a_push_begins_at_once_and_only_for_its_branch",
    ),
    _works(
        "Where a bundle comes from",
        "Repository, branch and commit stand at the bundle, and in the message of its release.",
        f"{_DEPLOY}::test_two_parts_of_one_upload",
        f"{_UPLOADS}::test_a_form_with_what_is_said_of_it",
    ),
    _works(
        "Python environments",
        "Built by uv from the file that the manifest names, once per set of packages and interpreter. A constraint of the "
        "Python is kept to; without one, the version that the manifest was made with is taken where it is here. Packages "
        "that lie in the bundle itself, as wheels, archives or folders, are installed from there; editable ones as they are now.",
        f"{_WAYS}::test_requirements_in_several_files_with_hashes_and_a_mark",
        f"{_WAYS}::test_a_file_of_packages_of_another_name",
        f"{_WAYS}::test_a_wheel_and_a_folder_among_the_files",
        f"{_WAYS}::test_a_package_that_is_not_among_the_files_is_refused",
        f"{_REFUSES}::test_a_python_that_is_not_here",
        f"{_WAYS}::test_a_look_before_a_deploy",
        f"{_REFUSES}::test_packages_that_exclude_each_other",
    ),
    _differs(
        "An environment of one's own",
        "`--disable-env-management` is taken and has no effect: packages are always installed, since what was not recorded "
        "could not be gone back to.",
        f"{_WAYS}::test_what_is_of_no_use_here_keeps_nothing_from_running",
    ),
    _works(
        "Lockfile",
        "`content get-lockfile`: every package with version and hash, of what is live.",
        f"{_WAYS}::test_the_packages_of_what_is_live",
    ),
    _works(
        "Inventory of packages",
        "`packages` of one item and of all that are live, with version and name.",
        f"{_SDK}::test_an_environment_is_built_ahead",
    ),
    _works(
        "Building ahead",
        "`content build` makes the environment of a bundle, and runs nothing.",
        f"{_ADMIN}::test_content_is_built_ahead",
    ),
    _works(
        "Caches",
        "`system caches` lists environments by version of Python, and removes those that no release has.",
        f"{_SDK}::test_caches_and_environments",
        f"{_ADMIN}::test_caches_and_environments_are_listed",
    ),
    _works(
        "The log of a deploy",
        "Each step as it happens, in the terminal and in the browser, with the first cause and its line at the end.",
        f"{_REFUSES}::test_a_package_that_there_is_not",
        "tests/browser/test_pages.py::test_a_publish_is_watched",
    ),
    _works(
        "Jobs",
        "Processes and builds with their logs, listed, read and stopped; on an app's page and by `tholos logs` as well.",
        f"{_SDK}::test_jobs_restarts_and_renderings",
    ),
    _differs(
        "Several processes",
        "As many run as are used, between the numbers that are set: another one where all have as many connections as they may, "
        "none after the idle time, and the next visit starts one. An app that says nothing keeps one awake; `load_factor` is kept and told.",
        f"{_SDK}::test_numbers_of_processes_hold_and_are_told",
        "tests/integration/installation/test_sleeping.py::test_several_run_where_one_is_not_enough",
    ),
    _differs(
        "Time limits",
        "The idle time holds, and 0 is never; the others are kept and told. How long an app may take for its first answer is said by `tholos limits`.",
        f"{_SDK}::test_time_limits_are_kept_and_told",
    ),
    _differs(
        "Limits of memory and CPU",
        "They are kept and told. Apps have a limit of open files: `tholos limits`.",
        f"{_SDK}::test_limits_of_memory_and_cpu_are_kept_and_told",
    ),
    _not_planned(
        "Containers per content",
        "Apps run as processes beside each other; `--image` is taken and has no effect.",
    ),
    _not_planned("Accounts to run as", "All apps run as the server's account."),
    _works(
        "Who may open what",
        "`access_type` and permissions of people and groups: a viewer here is a viewer there, an owner there is an editor here.",
        f"{_SDK}::test_content_permissions_and_what_belongs_to_it",
    ),
    _differs(
        "Locking",
        "Setting `locked` is refused: take back who it is shared with, or delete what should not run.",
        f"{_SDK}::test_content_is_not_locked",
    ),
    _works(
        "Roles",
        "Administrator, publisher and viewer, with the same words.",
        f"{_REFUSES}::test_a_viewer_does_not_deploy",
    ),
    _differs(
        "Ways to sign in",
        "A password, or the accounts of an organization by OpenID Connect; no LDAP, SAML or PAM.",
        "tests/integration/server/test_openid_sign_in.py::test_from_the_button_to_the_page_that_one_wanted",
    ),
    _works(
        "API keys",
        "Tokens: several per account, with an end, for reading only or for one app only.",
        f"{_WAYS}::test_a_token_for_publishing_is_enough",
        f"{_REFUSES}::test_a_key_that_has_expired",
        f"{_REFUSES}::test_a_key_that_is_none",
    ),
    _works(
        "Signing in by the browser",
        "`rsconnect login`, by a browser or by a code. It lasts 90 days, and is not renewed by itself.",
        "tests/browser/test_signing_in_by_oauth.py::test_by_a_browser",
        "tests/browser/test_signing_in_by_oauth.py::test_by_a_code",
    ),
    _works(
        "Bootstrap of an administrator",
        "`rsconnect bootstrap` gives the first key while nobody has come in; the first start prints a link besides.",
        f"{_CONNECT}test_bootstrap.py::test_the_first_key_is_given_once",
    ),
    _works(
        "Environment variables",
        "`-E` and the API; all of them are kept sealed and never told again. Names that begin with `CONNECT_` are the "
        "server's.",
        f"{_WAYS}::test_variables_before_the_first_start",
        f"{_WAYS}::test_variables_from_the_terminal_and_changed_later",
        f"{_REFUSES}::test_a_variable_that_the_server_sets",
    ),
    _not_planned(
        "OAuth integrations", "Secrets are shared by reference; nobody's credentials are passed to apps."
    ),
    _differs(
        "Who visits, for the app",
        "`RStudio-Connect-Credentials` names the visitor. There is no token of the visitor's session, and no key in "
        "`CONNECT_API_KEY`.",
        f"{_INROADS}::test_what_the_app_is_told_of_the_request",
        f"{_INROADS}::test_what_the_app_finds_in_its_environment",
    ),
    _works(
        "Paths of one's own",
        "One path of several parts for an app; a browser is sent on to the app's own host, a program is carried.",
        f"{_SDK}::test_tags_paths_and_usage",
        "tests/integration/data/test_paths.py::TestChoosing::test_two_paths_never_overlap",
    ),
    _not_planned("A start page of one's own", "The first page lists the apps that one may open."),
    _works(
        "Tags",
        "A tree of categories and tags; apps are found by them.",
        f"{_SDK}::test_tags_paths_and_usage",
        "tests/integration/server/test_tags.py::test_home_is_looked_through_by_a_tag",
    ),
    _works(
        "Search",
        "`content search` with its filters; in the browser, by name, title and person.",
        f"{_WAYS}::test_searching_content",
        "tests/integration/server/test_search.py::test_everything_of_a_name_is_found",
    ),
    _differs(
        "Schedules and mail",
        "Every type of schedule, by `posit-sdk`, `tholos schedule` and in the browser, for all that runs a process; what is "
        "rendered always takes the place of what was. No mail is sent: `email` is answered as false, and webhooks and "
        "notifications tell what fails.",
        f"{_SCHEDULES}::test_each_type_of_schedule",
        f"{_SCHEDULES}::test_a_notebook_is_rendered_again_by_its_schedule",
        "tests/integration/installation/test_schedules.py::test_one_that_does_not_start_again_leaves_what_serves",
    ),
    _not_planned("Variants", "There are no documents with parameters."),
    _differs(
        "Usage",
        "Visits, sessions of what is interactive, and hits: on an app's page, by `tholos usage` and by `posit-sdk`. How long a "
        "session lasts is not kept: it ends as it begins.",
        f"{_SDK}::test_tags_paths_and_usage",
        f"{_SDK}::test_visits_of_what_is_interactive_are_sessions",
    ),
    _works(
        "Audit record",
        "Every deed of everybody, with who did it and by what, searched and exported by administrators.",
        f"{_AUDIT}::test_the_record_is_searched",
        f"{_AUDIT}::test_the_record_is_exported_and_the_export_recorded",
    ),
    _works(
        "Pins",
        "Boards of `pins`: write, read, versions, search, delete; data frames as CSV, Parquet, Arrow, JSON or joblib.",
        f"{_CONNECT}test_pins.py::test_a_data_frame_there_and_back",
        f"{_CONNECT}test_pins.py::test_a_pin_has_versions",
        f"{_CONNECT}test_pins.py::test_a_large_file_comes_back_as_it_was",
        f"{_CONNECT}test_pins.py::test_what_others_may",
    ),
    _works(
        "Python SDK",
        "People, groups, content, bundles, tasks, permissions, jobs, packages, tags, paths and usage. OAuth integrations are "
        "answered as empty.",
        f"{_SDK}::test_one_session",
        f"{_SDK}::test_people_and_who_they_are",
        f"{_SDK}::test_groups_and_who_is_in_them",
        f"{_SDK}::test_content_permissions_and_what_belongs_to_it",
    ),
    _differs(
        "API documentation",
        "Of Tholos' own API, under `/help/api` and as `/api/v1/openapi.json`.",
        "tests/integration/server/test_api_whole.py::test_the_reference_page_has_every_call_and_shape",
    ),
    _works(
        "Pages",
        "Links of Connect's dashboard lead to the page here that shows the same.",
        f"{_INROADS}::test_links_to_a_dashboard_lead_to_our_pages",
        "tests/browser/test_connect_links.py::test_a_link_to_the_dashboard_ends_at_our_page",
    ),
    _works(
        "Asking for access",
        "Whoever opens what is not shared with them asks for it there; its owner is told.",
        "tests/integration/server/test_access_api.py::TestAskingForAccess::"
        "test_a_page_that_asks_once_and_says_that_it_is_open",
    ),
    _works(
        "HTTP and WebSocket",
        "Both pass untouched. An app has a host of its own, where it is at the root; a program is carried there from "
        "`/content/GUID/` as well, and a browser is sent on.",
        f"{_INROADS}::test_a_websocket_is_carried",
        f"{_INROADS}::test_what_reaches_the_app",
        f"{_INROADS}::test_a_browser_is_sent_to_the_apps_own_host",
    ),
    _differs(
        "Several servers",
        "One server holds everything for now. It starts again without ending the apps, and what is asked of them meanwhile fails.",
        f"{_SDK}::test_processes_outlive_the_server",
    ),
    _differs(
        "Prefix, TLS, proxies",
        "Behind a proxy with TLS, yes; under a path, no: apps have hosts, and the client is told to leave the path out.",
        f"{_REFUSES}::test_a_server_under_a_path",
    ),
    _works(
        "Moving elsewhere",
        "A downloaded bundle is deployed on any server of the two kinds.",
        f"{_WAYS}::test_a_bundle_that_was_downloaded_elsewhere",
    ),
    _works(
        "Without the internet",
        "An index of one's own, or wheels in a folder.",
        "tests/integration/runtime/test_environments_real.py::test_offline_without_the_package_says_so",
    ),
    _works(
        "Health",
        "`/__ping__`, and `/healthz`.",
        f"{_WAYS}::test_the_server_says_what_it_is_to_anybody",
    ),
)


def text() -> str:
    return HEAD + table(("", "feature", "here", "how", "shown by"), map(_row, enumerate(FEATURES, 1)))


def _row(numbered: tuple[int, Feature]) -> tuple[str, ...]:
    number, feature = numbered
    tests = ", ".join(f"`{test.rpartition('/')[2]}`" for test in feature.tests)
    return str(number), feature.name, feature.state.value, feature.text, tests
