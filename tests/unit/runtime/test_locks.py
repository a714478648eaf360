from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.runtime import locks
from tholos.runtime.locks import Lock, OwnLinks, OwnPackage
from tholos.runtime.uv_failures import BadRequirement, Origin

HASH = "--hash=sha256:" + "0" * 64


def read(text: str) -> locks.Wish:
    return locks.read(text, Origin("requirements.txt", lines=text.splitlines()))


@pytest.mark.parametrize(
    "line",
    [
        "-e ..", "--editable=./../x", "-e git+https://example.org/x.git", "../x", "/srv/x", "~/x", "x @ file:///x",
        "x @ ../x", "x@ ${HOME}/x", "x[a] @ git+file:///x", "git+file:///x", "..[extra]", "x @ C:\\x", "file:///x",
        "/x-1.0-py3-none-any.whl", "a/../../x-1.0.tar.gz", "-r other.txt", "-c constraints.txt",
        "--requirement=other.txt", "--find-links /etc", "-f ../wheels", "--find-links=file:///x", "--index-url file:///x", "--extra-index-url=/x",
    ],
)  # fmt: skip
def test_nothing_of_the_servers_files_can_be_named(line):
    with pytest.raises(BadRequirement) as caught:
        read(f"flask\n\n{line}\n")
    assert caught.value.where == "requirements.txt:3"
    assert caught.value.fix


@pytest.mark.parametrize(
    "line",
    [
        "flask",
        "flask[async]>=2 ; python_version < '3.9'",
        "x @ https://example.org/x-1.0-py3-none-any.whl",
        "e-mail",
    ],
)
def test_packages_and_addresses_are_fine(line):
    assert not read(line).is_empty


def test_lines_that_name_indexes_are_kept():
    options = "--extra-index-url https://download.example.org/cpu", "-i https://example.org/simple"
    assert read("\n".join([*options, "torch"])).options == options


def test_a_lock_is_one_only_if_every_line_has_a_version_and_a_hash():
    assert read(
        f"flask==3.0 \\\n    {HASH} \\\n    {HASH}\n# via x\nclick==8 ; python_version<'4' {HASH}"
    ).is_locked
    assert not read(f"flask==3.0 {HASH}\nclick==8").is_locked
    assert not read("").is_locked


def test_version_control_and_source_options_show():
    wish = read("a @ git+https://example.org/a.git@main\nb\n--no-binary b\n")
    assert wish.vcs == ("a @ git+https://example.org/a.git@main",)
    assert wish.wants_source


def test_a_lock_survives_json():
    lock = Lock("flask==3", is_wheels=False, notes=("a", "b"))
    assert Lock.from_json(json.loads(json.dumps(lock.to_json()))) == lock
    with pytest.raises((TypeError, KeyError)):
        Lock.from_json({"text": 1, "form": "", "notes": []})


def test_what_may_be_shared_is_part_of_the_id():
    assert Lock("x").id != Lock("x", is_wheels=False).id
    assert Lock("x").id == Lock("x", notes=("n",)).id


@given(st.text())
def test_any_text_has_lines_within_it(text):
    numbers = [number for number, _ in locks.logical_lines(text)]
    assert numbers == sorted(set(numbers))
    assert all(1 <= number <= len(text.splitlines()) for number in numbers)


PARTS = st.lists(
    st.sampled_from(["..", ".", "a", "b c", "ü", "#x", "%20", "libs", "x.whl"]), min_size=1, max_size=6
)


@given(PARTS, st.sampled_from(["./{}", "-e ./{}", "x @ file:./{}", "-f ./{}", "{}/x-1.whl"]))
def test_a_path_among_the_files_leads_inside_or_is_refused(parts, form):
    path = "/".join(parts)
    line = form.format(quote(path) if "file:" in form else path)
    text = line.replace("#", "_") if "file:" not in form else line
    try:
        wish = read(text)
    except BadRequirement:
        depth = [
            sum(-1 if one == ".." else one not in {".", ""} for one in parts[: at + 1])
            for at in range(len(parts))
        ]
        assert min(depth) < 0
        return
    named = [*(one.path for one in wish.own.values()), *wish.links.values()]
    assert len(named) == 1
    assert not {"..", "."} & set(named[0].split("/"))
    assert not named[0].startswith("/")


@given(st.text())
def test_no_line_gets_out_of_the_folder(tail):
    try:
        wish = read(f"../x{tail}")
    except BadRequirement:
        return
    assert all(".." not in one.path.split("/") for one in wish.own.values())


PATHS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=30)


@given(PATHS, st.booleans())
def test_a_package_among_the_files_survives_a_lock(path, is_folder):
    one = OwnPackage(path, "0" * 63 + "a", "my-lib", "1.0+local", is_folder)
    lock = Lock(f"-i https://example.org\n{one.line}\nflask==3 \\\n    {HASH}\n")
    assert lock.own == (one,)
    assert lock.rest == f"-i https://example.org\nflask==3 \\\n    {HASH}\n"
    assert lock.options == ("-i https://example.org",)
    assert not lock.is_shared


def test_what_a_package_is_made_of_is_part_of_the_id():
    before, after = (OwnPackage("libs/a", sha * 64, "a", "1", is_folder=True) for sha in "01")
    assert Lock(before.line).id != Lock(after.line).id
    links = [OwnLinks("wheels", sha * 64) for sha in "01"]
    assert Lock(links[0].line).id != Lock(links[1].line).id
    assert (Lock(f"{links[0].line}\nx==1").links, Lock(f"{links[0].line}\nx==1").rest) == (
        (links[0],),
        "x==1",
    )


def test_packages_among_the_files_need_no_hash_of_their_own():
    text = f"-e ./libs/a\n./x-1.0-py3-none-any.whl\nflask==3.0 {HASH}\n"
    wish = read(text)
    assert wish.is_locked
    assert {number: one.path for number, one in wish.own.items()} == {
        1: "libs/a",
        2: "x-1.0-py3-none-any.whl",
    }


def test_a_lock_of_an_older_server_is_read():
    old = {"text": "x", "form": "requirements", "is_shared": False, "is_hashed": True, "notes": []}
    assert Lock.from_json(old) == Lock("x", is_wheels=False)


@pytest.mark.parametrize("table", ['[packages.directory]\npath = "/srv"', '[packages.archive]\nurl = "file:///srv/x.whl"',
    '[[packages.wheels]]\nname = "x"\npath = "../x.whl"', '[packages.vcs]\ntype = "git"\npath = "/srv"'])  # fmt: skip
def test_a_pylock_names_no_file(table):
    text = f'lock-version = "1.0"\n[[packages]]\nname = "x"\n{table}\n'
    with pytest.raises(BadRequirement) as caught:
        locks.check_pylock(text, Origin("pylock.toml", locked=text))
    assert caught.value.where == f"pylock.toml:{len(text.splitlines())}"


def test_only_indexes_become_arguments():
    options = ["-i https://example.org --config-setting=x", "--extra-index-url=https://example.com"]
    assert locks.arguments(options) == [
        "-i",
        "https://example.org",
        "--extra-index-url",
        "https://example.com",
    ]
