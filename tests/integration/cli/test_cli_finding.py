"""Tags, paths and usage from the command line, against the real application."""

import pytest
from tests.integration.cli.conftest import document


@pytest.fixture
def admin(by):
    return by("admin")


@pytest.fixture
def ada(by):
    return by("ada")


class TestTags:
    def test_the_whole_way_of_a_tag(self, by):
        admin = by("admin")
        assert admin("tags", "add", "Region").code == 0
        made = document(admin("tags", "add", "North", "--under", "region", "--json"))["tag"]
        assert made["path"] == ["Region", "North"]
        ada = by("ada")
        assert ada("tag", "map", "Region/North", "Board").code == 0
        assert ada("tag", "map").out.split() == ["map", "Audience/Board,", "Region/North"]
        assert "map" in ada("list", "--tag", "region").out
        assert "map" not in ada("list", "zebra", "--tag", "region").out
        assert "map" in ada("tags", "show", "north").out
        admin = by("admin")
        assert admin("tags", "edit", "North", "--name", "Up there").out.split()[0] == "Region/Up"
        refused = admin("tags", "remove", "Region")
        assert (refused.code, "--yes" in refused.err) == (2, True)
        removed = admin("tags", "remove", "Region", "--yes").out
        assert "Region/Up there" in removed
        assert "map" in removed
        ada = by("ada")
        assert [one["path"] for one in document(ada("tag", "map", "--json"))["tags"]] == [
            ["Audience", "Board"]
        ]
        assert "has no tags" in ada("tag", "map", "--remove", "board").out

    def test_a_tag_is_moved_and_made_a_category(self, admin):
        admin("tags", "add", "Here")
        admin("tags", "add", "There")
        assert document(admin("tags", "edit", "There", "--under", "Here", "--json"))["tag"]["path"] == [
            "Here", "There"
        ]  # fmt: skip
        assert document(admin("tags", "edit", "There", "--top", "--json"))["tag"]["is_category"]
        listed = document(admin("tags", "list", "--json"))["tags"]
        assert ["There"] in [one["path"] for one in listed]
        assert admin("tags", "remove", "There").code == 0
        assert admin("tags", "edit", "Here").code == 2

    def test_which_tag_is_meant_is_to_be_clear(self, admin):
        admin("tags", "add", "Twice")
        admin("tags", "add", "Twice", "--under", "Twice")
        assert admin("tags", "show", "Twice").out.split()[0] == "Twice"
        admin("tags", "add", "Sales", "--under", "Twice")
        unclear = admin("tags", "show", "sales")
        assert (unclear.code, "Department/Sales" in unclear.err) == (2, True)
        assert admin("tags", "show", "zebra").code == 6

    def test_the_tree_is_printed_as_one(self, ada):
        lines = [line.rstrip() for line in ada("tags", "list").out.splitlines()]
        at = next(number for number, line in enumerate(lines) if line.startswith("  Department"))
        assert lines[at + 1].startswith("    Operations")
        assert lines[at + 3].startswith("      North of the river")
        assert ada("tags", "add", "Mine").code == 4
        assert ada("list", "--tag", "Board", "--show", "mine").code == 2


class TestPaths:
    def test_the_whole_way_of_a_path(self, ada, room):
        assert ada("path", "map", "team/maps").out.split() == ["map", f"{room.site.url}/team/maps/"]
        assert f"{room.site.url}/team/sales/" in ada("paths").out
        taken = ada("path", "weather", "/team/maps/north")
        assert (taken.code, "--force" in taken.err) == (3, True)
        assert document(ada("path", "weather", "team/maps", "--force", "--json"))["path"] == "/team/maps/"
        assert "has none" in ada("path", "map").out
        assert ada("path", "weather", "--remove").code == 0
        assert [one["app"] for one in document(ada("paths", "--json"))["paths"]] == ["sales"]
        assert ada("path", "map", "x", "--remove").code == 2
        assert ada("path", "map", "api/x").code == 2


class TestUsage:
    def test_days_and_visits_are_printed(self, ada):
        told = ada("usage", "sales").out
        assert "150 visits by 2 people" in told
        assert "█" in told
        found = document(ada("usage", "sales", "--json"))
        assert (found["visits"], found["visitors"], len(found["days"])) == (150, 2, 30)
        assert document(ada("usage", "sales", "--since", "2d", "--json"))["visits"] < 150
        rows = ada("usage", "sales", "--visits", "--lines", "3").out.splitlines()
        assert len(rows) == 4
        assert "/totals" in rows[1]
        assert len(document(ada("usage", "sales", "--visits", "--lines", "70", "--json"))["visits"]) == 70

    def test_all_apps_are_compared(self, ada):
        assert ada("usage", "--all").out.splitlines()[1].split() == ["sales", "150", "2", "50"]
        assert {one["app"] for one in document(ada("usage", "--all", "--visits", "--json"))["visits"]} == {
            "sales"
        }
        assert document(ada("usage", "--all", "--until", "60d", "--json"))["apps"] == []
        assert "no app of yours" in ada("usage", "--all", "--until", "60d").out
        assert ada("usage", "sales", "--all").code == 2

    def test_it_is_for_editors(self, by):
        assert by("vic")("usage", "sales").code == 4
        assert by("eve")("usage", "sales").code == 6


class TestLimits:
    def test_what_the_installation_says_is_told_with_its_number(self, ada):
        told = ada("limits", "map").out.splitlines()
        installation = [line.split("as the installation says")[0].split() for line in told]
        assert [line[-1] for line in installation if line[0] == "network"] == ["allowed"]
        holds = document(ada("limits", "map", "--json"))["holds"]
        assert holds["open_files"] >= 64
        assert ["open", "files", str(holds["open_files"])] in installation
        assert ["first", "answer", str(holds["start_timeout_s"]), "s"] in installation
