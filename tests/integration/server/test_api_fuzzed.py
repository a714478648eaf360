"""Generated calls of everything that the OpenAPI document tells, right ones and wrong ones, against the application over a
real socket: nothing breaks, and nothing is answered that the document does not tell.

``THOLOS_API_CASES`` says how many cases there are in all; `make fuzz` tries 20,000.
"""

import contextlib
import os
import zlib
from collections.abc import Iterator

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tholos.accounts import service as accounts
from tholos.testing.showroom import Showroom, opened

CASES = int(os.environ.get("THOLOS_API_CASES", "500"))
ENDLESS = frozenset({"follow_events", "follow_operation"})
"""Calls that answer for as long as somebody listens."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
THERE = {
    "name": ["sales", "map", "turbine", "ada", "analysts", "nothing"],
    "number": [1, 2, 3, 4, 99],
    "account": ["ada", "vic"],
    "kind": ["account", "group"],
    "principal": ["vic", "analysts"],
    "group": ["analysts"],
}
"""Values of parameters with which something is found."""


class Fuzzed:
    """The application behind a port, with an administrator's credential that is good at every call."""

    def __init__(self, room: Showroom) -> None:
        self.room = room
        self.url = room.site.url
        self.session = requests.Session()
        self.token = ""

    def sign_in(self) -> None:
        """A new token, where the one before was revoked by what was tried, or its account disabled."""
        now = self.room.clock.now()
        with self.room.database.write() as db:
            account = accounts.get_account(db, self.room.rows.people["admin"].account_id)
            account.is_disabled, account.role = False, "administrator"
            self.token = accounts.create_token(db, account, "fuzz", 1, now)[1]

    def ask(self, case: schemathesis.Case) -> None:
        for attempt in range(2):
            if attempt or not self.token:
                self.sign_in()
            headers = {"Authorization": f"Bearer {self.token}"}
            answer = case.call(base_url=self.url, headers=headers, session=self.session, timeout=20)
            if answer.status_code != 401:
                break
        case.validate_response(answer, checks=CHECKS, headers=headers)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzed]:
    with opened(tmp_path_factory.mktemp("fuzzed")) as room:
        one = Fuzzed(room)
        yield one
        one.session.close()


def _with_things_that_are_there(case: schemathesis.Case, chosen: dict[str, int]) -> None:
    """Half of the calls are of something that is there."""
    for name, index in chosen.items():
        if name in case.path_parameters:
            case.path_parameters[name] = THERE[name][index % len(THERE[name])]
    if isinstance(case.query, dict):
        case.query.pop("follow", None)


@pytest.mark.timeout(max(300, CASES))
def test_nothing_breaks_and_nothing_is_undeclared(fuzzed: Fuzzed) -> None:
    document = requests.get(f"{fuzzed.url}/api/v1/openapi.json", timeout=20).json()
    schema = schemathesis.openapi.from_dict(document)
    operations = [one.ok() for one in schema.get_all_operations()]
    operations = [one for one in operations if one.definition.raw["operationId"] not in ENDLESS]
    failures: list[str] = []
    for operation in operations:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                _fuzz(fuzzed, operation, mode, max(2, CASES // (2 * len(operations))))
            except (Exception, FailureGroup) as error:  # noqa: BLE001 - all of them are told at the end
                failures.append(f"{operation.label} {mode.value}: {_told(error)}")
    if failures:
        pytest.fail(f"{len(failures)} of {2 * len(operations)}\n" + "\n\n".join(failures), pytrace=False)


def _told(error: BaseException) -> str:
    """What was found, and the call that shows it."""
    if isinstance(error, BaseExceptionGroup):
        return " | ".join(_told(one) for one in error.exceptions)
    return f"{error}"[:1500]


def _fuzz(fuzzed: Fuzzed, operation: schemathesis.APIOperation, mode: GenerationMode, cases: int) -> None:
    @seed(zlib.crc32(operation.label.encode()))
    @settings(
        max_examples=cases,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=operation.as_strategy(generation_mode=mode),
        chosen=st.dictionaries(st.sampled_from(sorted(THERE)), st.integers(0, 9)),
    )
    def try_one(case: schemathesis.Case, chosen: dict[str, int]) -> None:
        _with_things_that_are_there(case, chosen)
        fuzzed.ask(case)

    with contextlib.suppress(Unsatisfiable):  # a call that takes nothing cannot be given anything wrong
        try_one()


@schemathesis.serializer("application/vnd.tholos.pack")
def _pack(context: schemathesis.SerializationContext, value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")
