"""Where a branch stands, asked of real hosts without fetching anything."""

import asyncio

import pytest

from tholos.kit.outgoing import Outgoing, read_authorities, read_networks
from tholos.sources.errors import (
    BranchGone,
    FetchFailed,
    RepositoryEmpty,
    RepositoryRefused,
    RepositoryUntrusted,
)
from tholos.sources.git import Bounds, Git, Secret
from tholos.sources.heads import Heads, why_failed
from tholos.sources.remotes import parse
from tholos.testing.authority import Authority
from tholos.testing.repositories import Repository, serve


@pytest.fixture
def served(tmp_path):
    """A host, and a repository on it."""
    made = Repository.make(tmp_path / "git" / "a.git")
    with serve(tmp_path / "git") as host:
        yield host, made


@pytest.fixture
async def heads(tmp_path):
    git = Git(tmp_path / "own")
    git.prepare()
    made = Heads(Outgoing(read_networks(["127.0.0.0/8"])), git, [tmp_path / "git"])
    yield made
    await made.close()


@pytest.mark.parametrize("is_old", [False, True])
@pytest.mark.parametrize("by", ["http", "folder"])
async def test_branches_tags_and_commits_are_found(served, heads, is_old, by):
    host, made = served
    host.is_old = is_old
    remote = parse(host.url("a.git") if by == "http" else str(made.path), [str(made.path.parent)])
    with pytest.raises(RepositoryEmpty):
        await heads.find_branch(remote, Secret(), "")
    first = made.commit({"a": "1"})
    made.git("tag", "-a", "v1", "-m", "one", first)
    second = made.commit({"a": "2"})
    other = made.commit({"a": "3"}, branch="main2")
    assert (await heads.find_branch(remote, Secret(), "")).ref == "refs/heads/main"
    assert (await heads.find_branch(remote, Secret(), "main")).commit == second
    assert (await heads.find_branch(remote, Secret(), "main2")).commit == other
    assert (await heads.find_any(remote, Secret(), "v1")).commit == first
    assert (await heads.find_any(remote, Secret(), "refs/tags/v1")).ref == "refs/tags/v1"
    assert (await heads.find_any(remote, Secret(), first)).commit == first
    with pytest.raises(BranchGone) as caught:
        await heads.find_branch(remote, Secret(), "mai")
    assert "main, main2" in caught.value.message


async def test_one_question_is_one_request(served, heads):
    host, made = served
    made.commit({"a": "1"})
    for number in range(1, 4):
        await heads.find_branch(parse(host.url("a.git")), Secret(), "main")
        assert host.asked == ["POST /a.git/git-upload-pack"] * number


async def test_an_old_host_that_has_nothing_new_says_so_and_no_more(served, heads):
    host, made = served
    host.is_old, host.tag = True, '"1"'
    first = made.commit({"a": "1"})
    remote = parse(host.url("a.git"))
    assert (await heads.find_branch(remote, Secret(), "main")).commit == first
    host.asked.clear()
    assert (await heads.find_branch(remote, Secret(), "main")).commit == first
    assert host.asked == ["GET /a.git/info/refs?service=git-upload-pack 304"]
    host.tag = '"2"'
    second = made.commit({"a": "2"})
    assert (await heads.find_branch(remote, Secret(), "main")).commit == second


async def test_many_are_asked_at_once(served, heads):
    host, made = served
    commit = made.commit({"a": "1"})
    remote = parse(host.url("a.git"))
    found = await asyncio.gather(*(heads.find_branch(remote, Secret(), "main") for _ in range(20)))
    assert {one.commit for one in found} == {commit}


async def test_names_that_lead_inwards_are_refused(tmp_path):
    async def resolve(host, port):
        return ["10.0.0.1"]

    heads = Heads(Outgoing(resolve=resolve), Git(tmp_path))
    for url in ("https://git.example.org/a", "ssh://git.example.org/a"):
        with pytest.raises(RepositoryRefused):
            await heads.find_branch(parse(url), Secret("x", "git", "key"), "main")


async def test_a_page_that_is_no_repository_is_not_taken_for_one(served, heads):
    host, _ = served
    host.answer = 200
    with pytest.raises(FetchFailed) as caught:
        await heads.find_branch(parse(host.url("a.git")), Secret(), "main")
    assert caught.value.code == "git_not_spoken"


@pytest.fixture
def over_tls(tmp_path):
    """A host whose certificate is of an authority that this machine does not know; it, and the remote with a commit."""
    authority = Authority.make(tmp_path / "authority")
    commit = Repository.make(tmp_path / "git" / "a.git").commit({"a": "1"})
    with serve(tmp_path / "git", authority) as host:
        yield authority, parse(host.url("a.git")), commit


async def test_a_host_is_believed_by_a_further_authority(over_tls, tmp_path):
    """By who asks for the branch and by git, which both go on believing what the machine does."""
    authority, remote, commit = over_tls
    further = authority.file.read_text()
    git = Git(tmp_path / "own", authorities=further)
    git.prepare()
    outgoing = Outgoing(read_networks(["127.0.0.0/8"]), authorities=lambda: read_authorities(further))
    heads = Heads(outgoing, git)
    assert (await heads.find_branch(remote, Secret(), "main")).commit == commit
    await heads.close()
    ran = git.run_remote(remote, Secret(), (), ["ls-remote", remote.url], Bounds(30), cwd=tmp_path)
    assert ran.out.decode().startswith(commit), ran.told
    assert len(read_authorities(further).get_ca_certs()) == len(read_authorities().get_ca_certs()) + 1


async def test_a_host_that_shows_a_certificate_of_nobodys_is_not_believed(over_tls, tmp_path):
    _, remote, _ = over_tls
    git = Git(tmp_path / "own")
    git.prepare()
    heads = Heads(Outgoing(read_networks(["127.0.0.0/8"])), git)
    with pytest.raises(
        RepositoryUntrusted, match=r"127\.0\.0\.1 shows a certificate .*\(.*certificate"
    ) as caught:
        await heads.find_branch(remote, Secret(), "main")
    await heads.close()
    assert "sources.ca_file" in caught.value.fix
    ran = git.run_remote(remote, Secret(), (), ["ls-remote", remote.url], Bounds(30), cwd=tmp_path)
    assert isinstance(why_failed(ran), RepositoryUntrusted), ran.told
