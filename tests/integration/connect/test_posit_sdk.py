"""A session of somebody who uses posit-sdk: people, groups, content, permissions, jobs, packages, environments, caches.

Each script runs in a process of its own, as its user has it, and says by asserts what it expects.
"""

from __future__ import annotations

import textwrap

from tests.integration.connect.conftest import SDK, manifest, pack, wsgi

BEGIN = (
    SDK
    + """
def wsgi(text="hello", requirements=""):
    body = '''
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    print("asked for", environ["PATH_INFO"])
    return [b"%s"]
''' % text
    return bundle(
        {"app.py": body, "requirements.txt": requirements},
        metadata={"appmode": "python-api", "entrypoint": "app"},
        python={"version": "3.11.0", "package_manager": {"name": "pip", "package_file": "requirements.txt"}},
    )

def deployed(name, **what):
    content = client.content.create(name=name)
    task = content.bundles.create(wsgi(**what)).deploy()
    task.wait_for()
    assert task["code"] == 0, task
    content = client.content.get(content["guid"])
    return content
"""
)
SESSION = """
import os, sys, time
import requests
from posit import connect

with connect.Client() as client:
    assert client.me["username"] == "admin"

    # Content: made, given variables, deployed from an archive, followed to its end.
    content = client.content.create(name="one-session", title="One session", access_type="acl")
    content.environment_variables.update(REGION="north", TOKEN="hush")
    content.environment_variables["REGION"] = "south"
    assert sorted(content.environment_variables) == ["REGION", "TOKEN"]
    first = content.bundles.create(sys.argv[1])
    task = first.deploy()
    task.wait_for()
    assert task.is_finished and task.error_code == 0 and not task.error_message, task["output"]

    # Bundles: another one, which one is active, back to the first, and a download.
    second = content.bundles.create(sys.argv[2])
    second.deploy().wait_for()
    assert [one["id"] for one in content.bundles.find()] == [second["id"], first["id"]]
    assert content.bundles.active()["id"] == second["id"]
    first.deploy().wait_for()
    assert content.bundles.active()["id"] == first["id"]
    second.download("second.tar.gz")
    second.delete()
    assert len(content.bundles.find()) == 1

    # People and groups, and what is shared with them.
    ada = client.users.create(username="ada-of-one", email="ada@one.example.org", user_role="publisher")
    team = client.groups.create(name="team-of-one")
    team.members.add(ada)
    assert [one["username"] for one in team.members.find()] == ["ada-of-one"]
    assert [one["name"] for one in client.users.get(ada["guid"]).groups.find()] == ["team-of-one"]
    content.permissions.create(team, role="viewer")
    content.permissions.create(ada, role="owner")
    assert {one["role"] for one in content.permissions.find()} == {"viewer", "owner"}
    content.permissions.find_one(principal_guid=ada["guid"]).update(role="viewer")
    content.permissions.destroy(team)
    assert [one["role"] for one in content.permissions.find()] == ["viewer"]
    content.update(access_type="all", description="For all")

    # What it is found by.
    category = client.tags.create(name="Of one session")
    tag = client.tags.create(name="Demonstrations", parent=category)
    content.tags.add(tag)
    assert [one["guid"] for one in tag.content_items.find()] == [content["guid"]]
    content.vanity = "/one/session"
    assert content.vanity == "/one/session/", content.vanity
    assert [one["content_guid"] for one in client.vanities.all() if one["path"] == "/one/session/"] == [content["guid"]]

    # Its processes, and who came.
    content.restart()
    job = content.jobs.find_by(tag="run_python_api", status=0)
    assert job and content.jobs.find(job["key"])["id"] == job["id"]  # its process may be a new one by now
    browser = {"Accept": "text/html", "User-Agent": "Mozilla/5.0 Firefox/140.0"}
    browser["Authorization"] = f"Key {os.environ['CONNECT_API_KEY']}"
    assert requests.get(content["content_url"] + "report", headers=browser).text == "version 1"
    for _ in range(300):
        visits = client.metrics.usage.find(content_guid=content["guid"])
        if visits:
            break
        time.sleep(0.1)
    (visit,) = visits
    assert (visit.path, visit.bundle_id, visit.started) == ("/report", first["id"], visit.ended)
    (hit,) = client.metrics.hits.fetch(content_guid=content["guid"])
    assert hit["data"]["path"] == "/report"

    # And everything goes again.
    del content.vanity
    category.destroy()
    content.delete()
    team.delete()
    ada.lock()
    assert client.content.find_one(name="one-session") is None
"""


def run(clients, code: str, **env: str) -> str:
    return clients.python(BEGIN + textwrap.dedent(code), env=env).out


def test_people_and_who_they_are(clients):
    run(
        clients,
        """
        me = client.me
        assert me["username"] == "admin" and me["user_role"] == "administrator"
        assert client.users.get(me["guid"])["username"] == "admin"
        ada = client.users.create(
            username="sdk-ada", email="ada@example.org", password="a long enough one",
            first_name="Ada", last_name="King of Lovelace", user_role="publisher",
        )
        assert (ada["first_name"], ada["last_name"], ada["locked"]) == ("Ada", "King of Lovelace", False)
        vic = client.users.create(username="sdk-vic", user_role="viewer")
        refused(8, client.users.create, username="sdk-ada")
        assert client.users.count() == len(client.users.find()) >= 3
        assert [one["username"] for one in client.users.find(prefix="SDK-")] == ["sdk-ada", "sdk-vic"]
        assert [one["username"] for one in client.users.find(prefix="lovel")] == ["sdk-ada"]
        assert client.users.find(prefix="nobody-at-all") == []
        assert client.users.find_one(prefix="sdk-", user_role="viewer")["username"] == "sdk-vic"
        assert len(client.users.find(prefix="sdk-", user_role="viewer|publisher")) == 2
        ada.update(first_name="Augusta", email="augusta@example.org")
        found = client.users.get(ada["guid"])
        assert (found["first_name"], found["last_name"]) == ("Augusta", "King of Lovelace")
        assert found["email"] == "augusta@example.org"
        vic.update(user_role="publisher")
        assert client.users.get(vic["guid"])["user_role"] == "publisher"
        vic.lock()
        assert client.users.get(vic["guid"])["locked"]
        assert [one["username"] for one in client.users.find(prefix="sdk-", account_status="locked")] == ["sdk-vic"]
        assert [one["username"] for one in client.users.find(prefix="sdk-", account_status="licensed")] == ["sdk-ada"]
        vic.unlock()
        assert not client.users.get(vic["guid"])["locked"]
        refused(4, client.users.get, "01a1fef3-5dee-6c59-d7a1-c7ad30f07901")
        refused(3, client.users.get, "no-guid")
        refused(147, ada.update, username="other")
        """,
    )


def test_groups_and_who_is_in_them(clients):
    run(
        clients,
        """
        eve = client.users.create(username="grp-eve", user_role="publisher")
        group = client.groups.create(name="grp-sales")
        client.groups.create(name="grp-support")
        assert set(group) == {"guid", "name", "owner_guid"}
        refused(8, client.groups.create, name="grp-sales")
        assert [one["name"] for one in client.groups.find(prefix="grp-s")] == ["grp-sales", "grp-support"]
        assert client.groups.find_one(prefix="grp-su")["name"] == "grp-support"
        assert client.groups.count() >= 2
        found = client.groups.get(group["guid"])
        assert found["name"] == "grp-sales"
        found.members.add(eve)
        found.members.add(user_guid=client.me["guid"])
        assert found.members.count() == 2
        assert [one["username"] for one in found.members.find()] == ["admin", "grp-eve"]
        assert [one["name"] for one in eve.groups.find()] == ["grp-sales"]
        found.members.delete(eve)
        assert [one["username"] for one in found.members.find()] == ["admin"]
        found.delete()
        refused(4, client.groups.get, group["guid"])
        """,
    )


def test_content_permissions_and_what_belongs_to_it(clients):
    run(
        clients,
        """
        content = deployed("sdk-content", requirements="six==1.17.0\\n")
        assert content["app_mode"] == "python-api"
        content.update(title="Of the SDK", description="A test")
        assert client.content.find_one(name="sdk-content")["title"] == "Of the SDK"
        assert client.content.get(content["guid"]).owner["username"] == "admin"
        assert "sdk-content" in [one["name"] for one in client.content.find(include="owner,tags,vanity_url")]

        dora = client.users.create(username="per-dora", user_role="publisher")
        team = client.groups.create(name="per-team")
        assert content.permissions.find() == []
        given = content.permissions.create(dora, role="viewer")
        assert set(given) == {"id", "content_guid", "principal_guid", "principal_type", "role"}
        assert (given["principal_type"], given["role"]) == ("user", "viewer")
        refused(155, content.permissions.create, dora, role="owner")
        given.update(role="owner")
        assert content.permissions.get(given["id"])["role"] == "owner"
        content.permissions.create(principal_guid=team["guid"], principal_type="group", role="viewer")
        assert content.permissions.count() == 2
        assert content.permissions.find_one(principal_type="group")["principal_guid"] == team["guid"]
        content.permissions.destroy(team)
        content.permissions.destroy(dora["guid"])
        assert content.permissions.find() == []
        refused(4, content.permissions.get, given["id"])
        refused(153, content.permissions.create, principal_guid=dora["guid"], principal_type="robot", role="viewer")
        refused(152, content.permissions.create, client.me, role="viewer")

        content.environment_variables.create("REGION", "north")
        assert "REGION" in list(content.environment_variables)
        content.environment_variables.delete("REGION")
        assert "REGION" not in list(content.environment_variables)

        assert [dict(one)["name"] for one in content.packages] == ["six"]
        assert content.packages.find_by(name="six")["version"] == "1.17.0"
        everywhere = client.packages.find_by(name="six", app_guid=content["guid"])
        assert everywhere["bundle_id"] == content["bundle_id"]
        assert set(everywhere) == {"language", "name", "version", "hash", "app_guid", "app_id", "bundle_id"}
        content.get_lockfile().write("six.lock")
        assert "six==1.17.0" in open("six.lock").read()

        assert content.oauth.associations.find() == []
        content.oauth.associations.delete()
        assert client.oauth.integrations.find() == [] and client.oauth.sessions.find() == []
        refused(147, client.oauth.integrations.create, name="x", template="azure", config={})
        refused(212, client.oauth.get_credentials, user_session_token="x")

        content.delete()
        refused(4, client.content.get, content["guid"])
        """,
    )


def test_jobs_restarts_and_renderings(clients):
    run(
        clients,
        """
        content = client.content.create(name="sdk-jobs")
        task = content.bundles.create(wsgi()).deploy()
        first = next(one for one in content.jobs if one["tag"] == "python_restore")
        task.wait_for()
        found = {one["tag"]: one for one in content.jobs}
        assert set(found) == {"python_restore", "run_python_api"}
        assert content.jobs.find(first["key"])["status"] == 2 and content.jobs.find(first["key"])["exit_code"] == 0
        running = found["run_python_api"]
        assert (running["status"], running["end_time"], running["exit_code"]) == (0, None, None)
        assert running["bundle_id"] == client.content.get(content["guid"])["bundle_id"]
        assert running["pid"].isdecimal()

        client.get(f"../content/{content['guid']}/somewhere")
        log = f"v1/content/{content['guid']}/jobs/%s/log"
        for _ in range(100):
            entries = client.get(log % running["key"]).json()["entries"]
            if any(one["data"] == "asked for /somewhere" for one in entries):
                break
            time.sleep(0.1)
        else:
            raise AssertionError(entries)
        assert set(entries[0]) == {"source", "timestamp", "data"}
        kept = client.get(f"v1/content/{content['guid']}/jobs/{running['key']}/download")
        assert kept.headers["Content-Type"].startswith("text/plain") and "attachment" in kept.headers["Content-Disposition"]
        assert "asked for /somewhere\\n" in kept.text
        assert "Python environment" in client.get(f"v1/content/{content['guid']}/jobs/{first['key']}/download").text
        refused(4, client.get, f"v1/content/{content['guid']}/jobs/ins_none/download")
        built = client.get(log % first["key"]).json()["entries"]
        assert any("Python environment" in one["data"] for one in built), built

        content.restart()
        status = {one["key"]: one["status"] for one in content.jobs}
        assert any(state == 0 for key, state in status.items() if key != running["key"])

        refused(163, content.jobs.find(first["key"]).destroy)
        active = next(one for one in content.jobs if one["status"] == 0 and one["tag"] == "run_python_api")
        active.destroy()
        for _ in range(200):
            if content.jobs.find(active["key"])["status"] == 2:
                break
            time.sleep(0.1)
        else:
            raise AssertionError("the job goes on")
        assert client.get(f"../content/{content['guid']}/").text == "hello"
        refused(4, content.jobs.find, "ins_none")

        variant = client.get(f"applications/{content['guid']}/variants").json()[0]
        assert variant["is_default"]
        begun = [client.post(f"variants/{variant['id']}/render").json() for _ in range(2)]  # the second waits for the first
        for rendering in [connect.tasks.Task(content._ctx, **one) for one in begun]:
            rendering.wait_for()
            assert rendering["code"] == 0
        """,
    )


def test_an_environment_is_built_ahead(clients):
    run(
        clients,
        """
        content = deployed("sdk-ahead")
        live = content["bundle_id"]
        later = content.bundles.create(wsgi("later", requirements="six==1.16.0\\n"))
        said = client.post(f"v1/content/{content['guid']}/build", json={"bundle_id": later["id"]}).json()
        task = client.tasks.get(said["task_id"])
        task.wait_for()
        assert task["code"] == 0 and any("1 from requirements" in line for line in task["output"]), task
        assert client.content.get(content["guid"])["bundle_id"] == live
        assert client.get(f"../content/{content['guid']}/").text == "hello"
        job = next(one for one in content.jobs if one["bundle_id"] == later["id"])
        assert (job["tag"], job["status"]) == ("python_restore", 2)
        deploying = later.deploy()
        deploying.wait_for()
        assert client.get(f"../content/{content['guid']}/").text == "later"
        assert any("all cached" in line or "there already" in line for line in deploying["output"]), deploying
        refused(4, client.post, f"v1/content/{content['guid']}/build", json={"bundle_id": "999999"})
        """,
    )


def test_caches_and_environments(clients):
    """What any release has is in use; what was built ahead and is in no release can go."""
    run(
        clients,
        """
        content = deployed("sdk-caches")
        version = content["py_version"]
        caches = client.system.caches.runtime.find()
        cache = next(one for one in caches if one["version"] == version)
        assert set(cache) == {"language", "version", "image_name"}
        ahead = content.bundles.create(wsgi(requirements="six==1.15.0\\n"))
        client.tasks.get(client.post(f"v1/content/{content['guid']}/build", json={"bundle_id": ahead["id"]}).json()["task_id"]).wait_for()
        assert cache.destroy(dry_run=True) is None
        task = cache.destroy()
        task.wait_for()
        assert task["code"] == 0 and "removed" in " ".join(task["output"]), task
        assert client.get(f"../content/{content['guid']}/").text == "hello"
        refused(194, cache.destroy)
        refused(179, client.system.caches.runtime.destroy, language="Python", version="3.1.4", image_name="Local")
        refused(147, client.system.caches.runtime.destroy, language="R", version="4.3.1", image_name="Local")

        environments = list(client.environments)
        one = next(one for one in environments if one["python"]["installations"][0]["version"] == version)
        assert client.environments.find(one["guid"])["name"] == one["name"]
        refused(147, client.environments.create, title="x", name="x", cluster_name="Kubernetes")
        """,
    )


def test_a_viewer_sees_of_others_only_whose_content_it_may_see(clients):
    key = clients.server.new_account("few-vic", role="viewer")
    clients.server.new_account("few-bob")
    run(
        clients,
        """
        content = deployed("few-shared")
        vic = client.users.find_one(prefix="few-vic")
        content.permissions.create(vic, role="viewer")
        """,
    )
    run(
        clients,
        """
        assert client.users.find(prefix="few-bob") == []
        admin = client.users.find_one(prefix="admin")
        assert admin["email"] == "" and admin["created_time"] is None
        assert client.users.get(admin["guid"])["username"] == "admin"
        assert client.content.find_one(name="few-shared")["app_role"] == "viewer"
        refused(22, client.groups.find)
        refused(22, client.users.create, username="more")
        client.me
        """,
        CONNECT_API_KEY=key,
    )


def test_tags_paths_and_usage(clients):
    run(
        clients,
        """
        topics = client.tags.create(name="Topics")
        sales = client.tags.create(name="Sales", parent=topics)
        north = client.tags.create(name="North", parent_id=sales["id"])
        assert set(north) == {"id", "name", "parent_id", "created_time", "updated_time"}
        assert north["id"].isdecimal() and north["parent_id"] == sales["id"] and topics["parent_id"] is None
        refused(157, client.tags.create, name="sales", parent=topics)
        refused(4, client.tags.get, "999999")
        refused(3, client.tags.get, "north")
        assert [one["name"] for one in client.tags.find(name="North")] == ["North"]
        assert [one["name"] for one in client.tags.find(parent=topics)] == ["Sales"]
        assert {one["name"] for one in topics.descendant_tags.find()} == {"Sales", "North"}
        north.update(name="Up north")
        assert client.tags.get(north["id"])["name"] == "Up north"

        content = deployed("sdk-tagged")
        content.tags.add(north)
        assert [one["name"] for one in content.tags.find()] == ["Sales", "Up north"]
        refused(158, content.tags.add, topics)
        assert [one["guid"] for one in topics.content_items.find()] == [content["guid"]]
        found = client.content.find_one(name="sdk-tagged", include="tags")
        assert [one["id"] for one in found["tags"]] == [sales["id"], north["id"]]
        refused(161, client.content.find, include="everything")
        content.tags.delete(sales)
        assert content.tags.find() == []
        assert "tags" not in client.content.find_one(name="sdk-tagged", include="tags")
        content.tags.add(north)
        sales.destroy()
        refused(4, client.tags.get, north["id"])
        assert content.tags.find() == []

        refused(4, content.find_vanity)
        content.vanity = "/sdk/report"
        assert content.find_vanity()["path"] == "/sdk/report/"
        assert client.get("../sdk/report/").text == "hello"
        assert [one["content_guid"] for one in client.vanities.all()] == [content["guid"]]
        assert client.content.get(content["guid"])["vanity_url"].endswith("/sdk/report/")
        other = deployed("sdk-other")
        refused(51, other.create_vanity, path="/sdk/report/")
        refused(52, other.create_vanity, path="/__api__/")
        other.create_vanity(path="/sdk/report/", force=True)
        assert client.get(f"v1/content/{other['guid']}/vanity").json()["path"] == "/sdk/report/"
        refused(4, content.find_vanity)
        del client.content.get(other["guid"]).vanity
        assert client.vanities.all() == []

        import os, requests
        shown = {"Authorization": f"Key {os.environ['CONNECT_API_KEY']}", "Accept": "text/html", "Sec-Fetch-Dest": "document"}
        for name in ("a", "b", "c"):
            requests.get(f"{content['content_url']}{name}", headers=shown | {"Sec-Fetch-Mode": "navigate", "User-Agent": "Mozilla/5.0 Firefox/120"})
        for _ in range(200):
            visits = [one for one in client.metrics.usage.find(content_guid=content["guid"])]
            if len(visits) >= 3:
                break
            time.sleep(0.1)
        page = client.get("v1/instrumentation/content/visits", params={"limit": 2, "content_guid": content["guid"]}).json()
        assert set(page) == {"paging", "results"}
        assert visits[0]["user_guid"] == client.me["guid"]
        again = client.get("v1/instrumentation/content/visits", params={"limit": 2, "next": page["paging"]["cursors"]["next"]}).json()
        assert not {one["path"] for one in again["results"]} & {one["path"] for one in page["results"]}
        assert len(visits) == 3, visits
        hits = [one for one in client.metrics.hits.fetch(content_guid=content["guid"])]
        assert [one["data"]["path"] for one in hits] == ["/a", "/b", "/c"], hits
        several = [content["guid"], other["guid"]]
        assert len(list(client.metrics.hits.fetch(content_guid=several, start="2000-01-01T00:00:00Z"))) == 3
        assert client.metrics.usage.find(start="2100-01-01T00:00:00Z") == []
        assert client.metrics.usage.find(end="2000-01-01T00:00:00Z") == []
        """,
    )


def test_numbers_of_processes_hold_and_are_told(clients):
    """They are the life of the app's instances, whoever says it."""
    run(
        clients,
        """
        content = client.content.create(name="sdk-processes")
        assert (content["min_processes"], content["load_factor"]) == (None, None)
        wanted = {"min_processes": 1, "max_processes": 5, "max_conns_per_process": 30, "load_factor": 0.7}
        content.update(**wanted)
        found = client.content.get(content["guid"])
        assert {key: found[key] for key in wanted} == wanted
        error = refused(113, content.update, max_processes=21)
        assert "max_processes: it is a whole number from 1 to 20" in error.error_message
        error = refused(113, content.update, min_processes=6)
        assert "min_processes (6) is above max_processes (5)" in error.error_message
        refused(150, content.update, load_factor=1.5)
        content.update(max_processes=None, min_processes=6)
        assert client.content.get(content["guid"])["min_processes"] == 6
        """,
    )
    life = clients.server.api("GET", "/api/v1/apps/sdk-processes/life")
    assert (life["min_instances"], life["max_instances"], life["connections"]) == (6, None, 30)
    clients.server.api("PUT", "/api/v1/apps/sdk-processes/life", {"max_instances": 4})
    found = clients.api("content?name=sdk-processes")[0]
    assert (found["min_processes"], found["max_processes"]) == (None, 4)


def test_time_limits_are_kept_and_told(clients):
    run(
        clients,
        """
        content = client.content.create(name="sdk-times")
        wanted = {"init_timeout": 90, "idle_timeout": 0, "connection_timeout": 2592000, "read_timeout": 60}
        content.update(**wanted)
        found = client.content.get(content["guid"])
        assert {key: found[key] for key in wanted} == wanted
        error = refused(151, content.update, idle_timeout=2592001)
        assert "idle_timeout: it is a whole number from 0 to 2,592,000" in error.error_message
        """,
    )


def test_limits_of_memory_and_cpu_are_kept_and_told(clients):
    run(
        clients,
        """
        content = client.content.create(name="sdk-limits")
        wanted = {"memory_request": 1 << 28, "memory_limit": 1 << 30, "cpu_request": 0.5, "cpu_limit": 2}
        content.update(**wanted)
        found = client.content.get(content["guid"])
        assert {key: found[key] for key in wanted} == wanted
        error = refused(181, content.update, memory_limit="much")
        assert "memory_limit: it is a whole number" in error.error_message
        refused(181, content.update, cpu_request=3)
        assert client.content.get(content["guid"])["cpu_request"] == 0.5
        """,
    )


def test_content_is_not_locked(clients):
    """What would be open to all who are told that it is locked is refused instead, with what to do."""
    run(
        clients,
        """
        content = client.content.create(name="sdk-locked")
        error = refused(147, content.update, locked=True, locked_message="Closed for today")
        assert error.error_message.startswith("Cannot lock content: take back who it is shared with instead.")
        content.update(locked=False, locked_message="")
        assert not client.content.get(content["guid"])["locked"]
        """,
    )


def test_processes_outlive_the_server(clients):
    """A server that ends and starts again finds the process of an app as it was, and what its clients know goes on."""
    look = """
        content = client.content.find_one(name="sdk-outlives")
        job = next(one for one in content.jobs if one["tag"] == "run_python_api" and one["status"] == 0)
        assert client.get(f"../content/{content['guid']}/").text == "hello"
        print(job["key"], job["pid"])
        """
    run(clients, 'deployed("sdk-outlives")')
    before = run(clients, look)
    clients.server.restart()
    assert run(clients, look) == before


def test_one_session(clients, tmp_path):
    """Everything in one script, as somebody writes it who has read the SDK's documentation and knows nothing of this server."""
    archives = []
    for version in (1, 2):
        archives.append(tmp_path / f"{version}.tar.gz")
        archives[-1].write_bytes(pack({**wsgi(version), "manifest.json": manifest()}))
    clients.python(SESSION, *map(str, archives))


def test_visits_of_what_is_interactive_are_sessions(clients):
    """Who adds up visits and sessions, as the SDK does, counts each once."""
    run(
        clients,
        """
        import os, requests
        body = '''
        async def app(scope, receive, send):
            if scope["type"] == "http":
                await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
                await send({"type": "http.response.body", "body": b"hello"})
        '''
        made = bundle(
            {"app.py": __import__("textwrap").dedent(body), "requirements.txt": ""},
            metadata={"appmode": "python-shiny", "entrypoint": "app"},
            python={"version": "3.11.0", "package_manager": {"name": "pip", "package_file": "requirements.txt"}},
        )
        content = client.content.create(name="sdk-interactive", access_type="all")
        task = content.bundles.create(made).deploy()
        task.wait_for()
        assert task["code"] == 0, task
        other = deployed("sdk-not-interactive")
        other.update(access_type="all")
        browser = {"Accept": "text/html", "Authorization": f"Key {os.environ['CONNECT_API_KEY']}"}
        for path in ("", "a", "b"):
            for one in (content, other):
                requests.get(one["content_url"] + path, headers=browser)
        several = [content["guid"], other["guid"]]
        for _ in range(300):
            if len(list(client.metrics.hits.fetch(content_guid=several))) == 6:
                break
            time.sleep(0.1)
        assert len(client.metrics.usage.find(content_guid=content["guid"])) == 3
        assert len(client.metrics.usage.find(content_guid=other["guid"])) == 3

        def page(kind, **params):
            return client.get(f"v1/instrumentation/{kind}", params=params).json()

        told = page("shiny/usage", content_guid=content["guid"])["results"]
        assert set(told[0]) == {"content_guid", "user_guid", "started", "ended", "data_version"}
        assert [one["started"] for one in told] == [one["ended"] for one in told] == sorted(one["started"] for one in told)
        assert page("content/visits", content_guid=content["guid"])["results"] == []
        assert page("shiny/usage", content_guid=other["guid"])["results"] == []
        first = page("shiny/usage", content_guid="|".join(several), limit=2)
        rest = page("shiny/usage", content_guid="|".join(several), limit=2, next=first["paging"]["cursors"]["next"])
        assert first["results"] + rest["results"] == told and rest["paging"]["cursors"]["next"] is None
        assert page("shiny/usage", start="2100-01-01T00:00:00Z")["results"] == []
        """,
    )
