import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tholos.detect.model import Detection, Evidence, Finding, Kind, Overrides, Requirements
from tholos.publishing.manifest import findings, fingerprint, merge_overrides, requirements_of, to_json
from tholos.publishing.service import _size

TEXT = st.text(max_size=20)
EVIDENCE = st.builds(Evidence, TEXT, st.integers(0, 10**6))
FINDING = st.builds(Finding, TEXT, TEXT, EVIDENCE)
REQUIREMENTS = st.builds(
    Requirements, form=TEXT, text=TEXT, why=TEXT, evidence=EVIDENCE,
    imports=st.dictionaries(TEXT, EVIDENCE, max_size=3), support=st.dictionaries(TEXT, TEXT, max_size=3),
    own=st.dictionaries(TEXT, EVIDENCE, max_size=3),
)  # fmt: skip
DETECTION = st.builds(
    Detection, kind=st.sampled_from(list(Kind)), framework=FINDING, entrypoint=FINDING, python=FINDING,
    requirements=REQUIREMENTS, prepare=st.none() | FINDING, keep=st.lists(FINDING, max_size=3).map(tuple),
    notes=st.lists(TEXT, max_size=2).map(tuple), paths=st.lists(TEXT, max_size=2).map(tuple),
)  # fmt: skip
OVERRIDES = st.builds(
    Overrides, **dict.fromkeys(("kind", "entrypoint", "python", "requirements", "prepare"), st.none() | TEXT),
    keep=st.none() | st.lists(TEXT, max_size=3).map(tuple),
)  # fmt: skip


@given(DETECTION, TEXT)
def test_requirements_come_back_from_a_database_as_they_were(found, why):
    kept = json.loads(json.dumps(to_json(found, why)))
    assert requirements_of(kept) == found.requirements


@given(DETECTION, TEXT)
def test_what_is_not_said_has_no_part_in_the_fingerprint(found, why):
    """Releases that were made before there was such a thing to say are the same as ones that are made now."""
    assert to_json(found, why).keys().isdisjoint({"options", "locale"})


@given(DETECTION, TEXT, TEXT)
def test_why_something_was_decided_is_no_part_of_the_fingerprint(found, why, other):
    explained = replace(
        found, framework=replace(found.framework, why=other), notes=(other,),
        requirements=replace(found.requirements, why=other, evidence=Evidence(other, 1)),
    )  # fmt: skip
    assert fingerprint("s", to_json(found, why)) == fingerprint("s", to_json(explained, other))


@given(DETECTION, TEXT)
def test_what_decides_how_it_runs_is(found, why):
    manifest = to_json(found, why)
    print_ = fingerprint("s", manifest)
    assert print_ == fingerprint("s", json.loads(json.dumps(manifest)))
    assert print_ != fingerprint("t", manifest)
    for other in (
        replace(found, entrypoint=replace(found.entrypoint, value=found.entrypoint.value + "x")),
        replace(found, requirements=replace(found.requirements, text=found.requirements.text + "x")),
        replace(found, paths=(*found.paths, "x")),
        replace(found, options=("x",)),
        replace(found, locale="x"),
    ):
        assert print_ != fingerprint("s", to_json(other, why))
    assert print_ != fingerprint("s", {**manifest, "interpreter": "another"})


@given(DETECTION, TEXT, TEXT)
def test_each_decision_is_told_with_its_reason(found, python, why):
    told = list(findings(found, python, why))
    has_python = found.kind is not Kind.STATIC
    assert len(told) == 1 + has_python + len(found.keep) + (found.prepare is not None) + len(found.notes)
    assert {one.kind for one in told} == {"finding"}
    assert told[0].data["value"] == found.entrypoint.value
    json.dumps([one.data for one in told])


@given(OVERRIDES)
def test_what_was_said_is_remembered(said):
    first, kept = merge_overrides({}, said)
    again, still = merge_overrides(json.loads(json.dumps(kept)), Overrides())
    assert (again, still) == (first, kept)


@given(OVERRIDES)
def test_an_empty_text_forgets(said):
    _, kept = merge_overrides({}, said)
    nothing, forgotten = merge_overrides(kept, Overrides("", "", "", "", "", ()))
    assert forgotten == {}
    assert nothing == Overrides()


def test_what_is_said_now_goes_before_what_is_remembered():
    merged, kept = merge_overrides(
        {"python": "3.11", "entrypoint": "a:b", "keep": ["x"]}, Overrides(python="3.12", keep=("y",))
    )
    assert merged == Overrides(python="3.12", entrypoint="a:b", keep=("y",))
    assert kept == {"python": "3.12", "entrypoint": "a:b", "keep": ["y"]}


def test_sizes_as_people_write_them():
    assert [_size(count) for count in (0, 999, 1000, 1_500_000, 2_500_000_000, 1 << 50)] == [
        "0 B", "999 B", "1.0 kB", "1.5 MB", "2.5 GB", "1125899.9 GB",
    ]  # fmt: skip
