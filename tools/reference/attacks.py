"""What attackers and bad tenants try, what becomes of it, and the tests that try it."""

from __future__ import annotations

from dataclasses import dataclass

from tools.reference.tables import MADE, table

HEAD = f"""# What is tried

What somebody may try who wants in, or whose app is not what it should be; what becomes of it; and the tests that try it. *door*: with
the server alone; *gateway*: with Envoy in front; *both*: some of the tests are run with either. Where nothing stands, it is not a
matter of requests.

{MADE}

"""
_SITE = "tests/integration/installation/"
_ACCESS = f"{_SITE}test_access.py::"
_ATTACKED = f"{_SITE}test_access_attacked.py::"
_RENEWED = f"{_SITE}test_access_renewed.py::"
_CLOCK = f"{_SITE}test_clock_steps.py::"
_RUDE = f"{_SITE}test_rude_apps.py::"
_TRICKS = f"{_SITE}test_request_tricks.py::"
_TENANTS = f"{_SITE}test_bad_tenants.py::"
_PORTS = f"{_SITE}test_fixed_ports.py::"
_USER = f"{_SITE}test_ordinary_user.py::"
_GATEWAY = f"{_SITE}test_gateway.py::"
_PROXY = "tests/integration/proxy/test_proxy.py::"
_PAGES = "tests/browser/test_hostile_pages.py::"
_PLANTED = "tests/browser/test_planted_cookies.py::"
_PATHS = "tests/browser/test_kinds_by_example_paths.py::"
_WALLS = "tests/integration/runtime/test_walls.py::"
_KILLED = "tests/integration/runtime/test_walls_killed.py::"
_PACKAGES = "tests/integration/runtime/test_own_packages.py::"
_BUILDING = "tests/integration/runtime/test_building.py::"
_CARRIER = "tests/integration/gateway/test_carrier_failures.py::"


@dataclass(frozen=True, slots=True)
class Attack:
    """One kind of them."""

    tried: str
    becomes: str
    ways: str
    """``door``, ``gateway`` or ``both``; empty where no request is carried."""
    tests: tuple[str, ...]


def _both(tried: str, becomes: str, *tests: str) -> Attack:
    return Attack(tried, becomes, "both", tests)


def _door(tried: str, becomes: str, *tests: str) -> Attack:
    return Attack(tried, becomes, "door", tests)


def _apart(tried: str, becomes: str, *tests: str) -> Attack:
    return Attack(tried, becomes, "", tests)


ON_ACCESS = (
    _both(
        "Every pair of credentials, good, expired, revoked, garbage or none, by cookie and by header",
        "The app sees one identity or none; what is revoked lets nobody in.",
        f"{_ATTACKED}test_every_pair_of_credentials_is_one_person_or_nobody",
        f"{_ATTACKED}test_of_two_cookies_of_one_name_none_is_worth_more_than_it_is",
    ),
    _both(
        "Access ends while streams, websockets and uploads are open",
        "Those of who is out end within five seconds, and nobody else's.",
        f"{_ACCESS}test_signing_out_ends_what_is_open",
        f"{_ACCESS}test_a_revoked_token",
        f"{_ATTACKED}test_an_upload_of_somebody_else_goes_on",
    ),
    _door(
        "An app under a path of the console's host asks for the console, for another app, and for a token",
        "What a page may do is said; a token needs the password again.",
        f"{_PATHS}test_what_a_page_of_an_app_may_do_to_its_visitor",
        f"{_PATHS}test_what_leads_where",
    ),
    _both(
        "Identity headers by underscores, case, twice, listed in Connection, folded, in trailers and by HTTP/2",
        "Only ours arrive, at WSGI and ASGI apps.",
        f"{_ATTACKED}test_no_spelling_of_an_identity_arrives",
        f"{_ATTACKED}test_no_identity_arrives_behind_a_body",
        f"{_ATTACKED}test_no_identity_arrives_by_http_2",
        f"{_ACCESS}test_forged_identity_does_not_arrive",
    ),
    _both(
        "Names that the proxy's files could not hold; files that it refuses",
        "No name gets into them unless it is harmless; what is refused leaves the door, is told, and opens nothing.",
        f"{_ATTACKED}test_no_name_is_taken_that_the_proxy_could_misread",
        f"{_ATTACKED}test_a_name_that_got_in_all_the_same_is_nobody_elses_and_harms_nothing",
        f"{_GATEWAY}test_once_it_refused_what_the_server_wrote_the_door_decides_everything_until_the_next_server",
        f"{_PROXY}test_whatever_is_rendered_envoy_takes",
        f"{_PROXY}test_what_it_refuses_is_told_and_changes_nothing",
        "tests/unit/gateway/test_render.py::test_nothing_that_the_proxy_could_misread_gets_into_a_lane",
        f"{_GATEWAY}test_files_that_it_refuses_leave_only_the_way_to_the_door",
        "tests/unit/access/test_steering.py::test_a_refusal_leaves_only_the_way_to_the_door_for_good",
        f"{_GATEWAY}test_the_door_serves_alone_where_no_proxy_comes_up",
    ),
    _both(
        "Requests and upgrades from another site, a sibling's page, no origin and none at all",
        "What is carried by a cookie comes from the app's own pages, or is refused.",
        f"{_ACCESS}test_requests_with_cookies_come_from_own_pages",
        f"{_PAGES}test_only_its_own_pages_change_anything_at_an_app",
    ),
    _both(
        "Planted cookies for the whole domain, for deeper paths, and more than a browser keeps; signing in a victim as somebody "
        "else; a callback twice",
        "With https nobody becomes anybody else, and sign-in goes on. Without, browsers keep the names no better than others.",
        f"{_PLANTED}test_what_an_app_plants_for_its_siblings_changes_nothing_for_them",
        f"{_PLANTED}test_who_comes_with_planted_cookies_signs_in_as_anybody",
        f"{_PAGES}test_cookies_that_others_plant_make_nobody_somebody_else",
        f"{_ACCESS}test_the_hand_over",
        f"{_ACCESS}test_a_code_is_good_for_one_browser_and_one_app",
    ),
    _both(
        "Our cookies among others, written in every way",
        "They reach no app, and an app's own all do.",
        f"{_PROXY}test_no_cookie_of_ours_arrives_however_it_is_written",
        "tests/integration/gateway/test_carrier_plain.py::test_cookies_against_an_echo",
        f"{_ACCESS}test_our_credentials_do_not_arrive",
    ),
    _both(
        "One request that is two: lengths, encodings, bare ends of lines, folds, chunks, HTTP/2 that is written as HTTP/1; an upgrade "
        "that is answered 200; a body that nobody read",
        "No app sees the second.",
        f"{_ATTACKED}test_nothing_is_smuggled_to_an_app",
        f"{_ATTACKED}test_nothing_is_smuggled_to_an_app_by_http_2",
        f"{_ATTACKED}test_an_early_refusal_leaves_no_body_behind",
        f"{_RUDE}test_what_follows_an_upgrade_that_is_none_is_a_request_like_any_other",
        f"{_PROXY}test_nothing_is_smuggled_where_https_and_http_2_become_plain_http_1",
        f"{_TRICKS}test_nothing_is_a_way_through",
        f"{_TRICKS}test_a_head_without_measure_is_refused",
        f"{_CARRIER}test_smuggling_requests",
    ),
    _both(
        "From inside an app: the proxy's administration, the door, the database, others' sockets, addresses of clouds, in every form",
        "It finds none of them.",
        f"{_TENANTS}test_nothing_of_ours_listens_but_at_the_one_port",
        f"{_TENANTS}test_reaches_nothing_of_the_server_or_its_neighbour",
        f"{_TENANTS}test_reaches_no_abstract_socket",
        f"{_TENANTS}test_reaches_no_secrets_of_a_cloud",
        f"{_TENANTS}test_reaches_no_port_of_this_machine_but_those_it_opened",
    ),
    _apart(
        "Packages that bring .pth files, an interpreter, more than the disk or the memory holds, or a build that reads, writes, kills, "
        "stays or takes too much",
        "Nothing of a wheel runs while an environment is made, and it takes no more than a build may; a build finds its own files, and "
        "only its owner's builds what it leaves.",
        f"{_BUILDING}test_a_wheel_that_unpacks_to_more_than_it_may_is_ended_and_told",
        f"{_BUILDING}test_metadata_that_takes_all_memory_is_ended_and_told",
        f"{_BUILDING}test_it_sees_nothing_of_the_server_and_of_others",
        f"{_BUILDING}test_it_writes_nowhere_else_and_kills_nobody",
        f"{_BUILDING}test_it_reaches_no_port_and_no_secret_of_the_machine",
        f"{_BUILDING}test_what_it_leaves_behind_is_ended",
        f"{_BUILDING}test_what_takes_too_much_is_ended_and_told",
        f"{_BUILDING}test_one_owners_builds_poison_nothing_of_others",
        f"{_BUILDING}test_what_it_leaves_in_its_environment_is_looked_at",
        f"{_PACKAGES}test_what_a_package_leaves_for_every_start_of_python_does_not_run_here",
        f"{_PACKAGES}test_a_package_that_replaces_the_interpreter_is_refused",
        f"{_PACKAGES}test_a_wheel_that_asks_for_a_file_of_the_server_is_refused",
        f"{_PACKAGES}test_the_rest_comes_from_the_cache_of_all_and_the_wheel_does_not",
        "tests/integration/runtime/test_environments_real.py::test_what_has_no_wheel_is_built_for_its_owner_only",
    ),
    _apart(
        "Killed between the control groups and the program, at each step",
        "No process is outside its groups, and no folder is left.",
        f"{_KILLED}test_a_supervisor_that_is_killed",
        f"{_KILLED}test_a_child_that_is_killed",
        f"{_KILLED}test_a_child_whose_supervisor_is_killed",
    ),
    _both(
        "Redirects that lead elsewhere, by path, host and header",
        "Each leads to the console or the app.",
        f"{_ATTACKED}test_no_redirect_leads_elsewhere",
        f"{_ACCESS}test_the_way_back_leads_nowhere_else",
        f"{_ACCESS}test_signing_in_leads_nowhere_else",
        f"{_ACCESS}test_a_strange_host",
        f"{_TRICKS}test_no_spelling_of_a_host_opens_another_app",
    ),
    _both(
        "A clock that is put forth and back; passes without end, of another key or algorithm, or offered as tokens; another key under load",
        "Who is let in stays so; what was taken back stays so, in an earlier hour too; nobody is refused for a new key.",
        f"{_CLOCK}test_who_is_let_in_stays_so_whatever_time_it_is",
        f"{_CLOCK}test_a_pass_that_has_ended_opens_nothing_until_it_is_renewed",
        f"{_CLOCK}test_who_has_left_is_not_let_in_by_an_earlier_hour",
        f"{_ACCESS}test_a_pass_that_is_not_good",
        f"{_ATTACKED}test_how_a_pass_is_signed_is_ours_to_say",
        f"{_ATTACKED}test_a_pass_is_no_token_and_a_token_no_pass",
        f"{_ATTACKED}test_another_key_is_taken_up_without_anybody_noticing",
        f"{_RENEWED}test_nothing_that_lasts_notices_that_passes_end",
    ),
    _both(
        "Claims drawn at random; a name that somebody else has by now",
        "Who is let in an oracle would let in; ids are never used again.",
        f"{_PROXY}test_whoever_is_let_in_an_oracle_would_let_in",
        "tests/integration/data/test_access_oracle.py::test_the_code_agrees_with_the_specification",
        f"{_PROXY}test_a_name_that_somebody_else_has_now_lets_nobody_of_before_in",
        f"{_ACCESS}test_deleting_an_app_ends_its_streams",
    ),
)  # fmt: skip

BY_TENANTS = (
    _both(
        "A fork bomb",
        "It ends at its limit, and is told.",
        f"{_TENANTS}test_a_fork_bomb_ends_at_its_limit",
        f"{_TENANTS}test_one_that_may_start_no_further_process_is_told_why",
    ),
    _both(
        "A memory hog",
        "It is ended, and told.",
        f"{_TENANTS}test_a_memory_hog_is_ended_and_told",
        f"{_TENANTS}test_one_that_hoards_while_it_serves_is_ended_told_and_serves_again",
        f"{_WALLS}test_more_memory_than_its_own_ends_it",
    ),
    _both(
        "A disk filler",
        "It is ended, and told; its /tmp is its own.",
        f"{_TENANTS}test_a_disk_filler_is_ended_and_told",
        f"{_TENANTS}test_a_full_tmp_is_its_own",
    ),
    _both("A log flooder", "Its log is bounded.", f"{_TENANTS}test_a_flood_of_output_is_bounded"),
    _both(
        "A server that ignores SIGTERM",
        "It is killed after its time, with all that it began.",
        f"{_TENANTS}test_one_that_does_not_end_is_ended",
        f"{_WALLS}test_who_hears_nothing_and_hides_is_ended_with_all_it_began",
    ),
    _both(
        "Half an answer, none, two, or what is no HTTP",
        "Who asked sees an error or the end; nobody gets another's answer.",
        f"{_RUDE}test_half_an_answer_is_seen_as_one",
        f"{_RUDE}test_of_two_answers_nobody_else_gets_the_second",
    ),
    _apart(
        "An app that opens no socket",
        "Its publish fails with the reason, and what serves goes on.",
        f"{_SITE}test_bad_input.py::test_it_fails_and_says_why",
    ),
    _both(
        "Reads others' files, sockets, environment and /proc; kills and traces",
        "It sees none of them.",
        f"{_TENANTS}test_reaches_nothing_of_the_server_or_its_neighbour",
        f"{_TENANTS}test_sees_no_process_but_its_own",
        f"{_TENANTS}test_may_not_ask_the_kernel_for_what_only_attacks_need",
        f"{_USER}test_an_app_finds_nothing_of_the_server",
        f"{_WALLS}test_without_bubblewrap_nobody_behind_walls_gets_orders_taken",
    ),
    _both(
        "An app that listens where another one does, or in its place, or asks for it at 127.0.0.1",
        "Each has a 127.0.0.1 of its own, where it hears itself and nobody else.",
        f"{_PORTS}test_each_hears_itself_and_nobody_else",
        f"{_PORTS}test_several_instances_of_one",
        f"{_TENANTS}test_reaches_no_port_of_this_machine_but_those_it_opened",
    ),
    _both(
        "A websocket upgrade without credentials, or from elsewhere",
        "It is refused.",
        f"{_ACCESS}test_signed_out",
        f"{_ACCESS}test_requests_with_cookies_come_from_own_pages",
        f"{_TRICKS}test_no_upgrade_goes_past_the_door_without_credentials_of_its_own",
    ),
    _apart(
        "A machine that lacks walls, or a server without root",
        "Doctor names each that is missing; what is required and missing starts nothing.",
        f"{_USER}test_it_serves_and_says_which_walls_there_are",
        f"{_WALLS}test_a_wall_that_is_missing_starts_nothing",
    ),
)


def text() -> str:
    parts = (("On the way in", ON_ACCESS), ("By an app", BY_TENANTS))
    return HEAD + "\n".join(f"## {title}\n\n{_table(attacks)}" for title, attacks in parts)


def _table(attacks: tuple[Attack, ...]) -> str:
    return table(("", "tried", "what becomes of it", "ways", "tried by"), map(_row, enumerate(attacks, 1)))


def _row(numbered: tuple[int, Attack]) -> tuple[str, ...]:
    number, attack = numbered
    tests = ", ".join(f"`{test.rpartition('/')[2]}`" for test in attack.tests)
    return str(number), attack.tried, attack.becomes, attack.ways, tests
