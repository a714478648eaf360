"""Use cases of tags on both databases: the tree, what apps have, and what is found by it."""

import pytest
from sqlalchemy import select

from tholos.accounts.errors import RoleTooLow
from tholos.apps import listing
from tholos.apps.errors import AppNotFound, NotAnEditor
from tholos.apps.listing import Asked
from tholos.apps.models import App
from tholos.audit.models import AuditEntry
from tholos.sharing.models import Audience
from tholos.tags import service as tags
from tholos.tags.errors import TagInUse, TagInvalid, TagIsCategory, TagNotFound, TagTaken, TooManyTags
from tholos.tags.models import AppTag, Tag
from tholos.testing.rows import add_live_app


class Tagging:
    """Tags by their names, made and changed by an administrator."""

    def __init__(self, database, people, clock):
        self.database, self.people, self.clock = database, people, clock

    def make(self, name, parent=""):
        with self.database.write() as db:
            return tags.make_tag(db, self.people.admin, name, parent, self.clock.now()).id

    def change(self, tag_id, name=None, parent=None):
        with self.database.write() as db:
            tags.change_tag(db, self.people.admin, tag_id, name=name, parent_id=parent, now=self.clock.now())

    def remove(self, tag_id):
        with self.database.write() as db:
            return tags.remove_tag(db, self.people.admin, tag_id, self.clock.now())

    def put(self, who, app, *put, take=()):
        with self.database.write() as db:
            tags.change_tags_of(db, who, app, put, take, self.clock.now())

    def paths(self, who=None):
        with self.database.read() as db:
            return {one.path: one.apps for one in tags.list_tags(db, who or self.people.admin)}

    def of(self, app):
        with self.database.read() as db:
            put = tags.tags_of(db, "org_default", [app.id]).get(app.id, [])
            return [one.path for one in put]

    def found(self, who, tag_id):
        with self.database.read() as db:
            among = tags.ids_of_apps(db, who, tag_id)
            return {app.name for app in listing.list_page(db, who, Asked(among=among)).items}

    def actions(self):
        with self.database.read() as db:
            return [*db.scalars(select(AuditEntry.action).order_by(AuditEntry.id))]


@pytest.fixture
def tagging(database, people, clock):
    return Tagging(database, people, clock)


@pytest.fixture
def sales(database, people, clock):
    return add_live_app(database, people.ada, "sales", clock.now())[0]


@pytest.fixture
def department(tagging):
    return tagging.make("Department")


class TestTree:
    def test_a_tree_is_made_renamed_and_moved(self, tagging, department):
        sold = tagging.make("Sales", department)
        tagging.make("North", sold)
        other = tagging.make("Audience")
        tagging.change(sold, name=" Selling ", parent=other)
        assert [*tagging.paths()] == [
            ("Audience",), ("Audience", "Selling"), ("Audience", "Selling", "North"), ("Department",)
        ]  # fmt: skip
        tagging.change(sold)
        assert tagging.actions().count("tag.changed") == 1, "what changes nothing is no deed"

    def test_names_are_there_once_at_one_place_whatever_their_case(self, tagging, department):
        tagging.make("Sales", department)
        with pytest.raises(TagTaken) as caught:
            tagging.make("SALES", department)
        assert (caught.value.where, bool(caught.value.fix)) == ("name", True)
        with pytest.raises(TagTaken):
            tagging.make("department")
        elsewhere = tagging.make("Sales")
        with pytest.raises(TagTaken):
            tagging.change(elsewhere, parent=department)
        tagging.change(elsewhere, name="SALES")

    @pytest.mark.parametrize("name", ["", "   ", "a\nb", "a\x00b", "x" * 256, "a\u2028b", "\x7f."])
    def test_names_that_are_none(self, tagging, name):
        with pytest.raises(TagInvalid) as caught:
            tagging.make(name)
        assert caught.value.where == "name"

    def test_a_long_name_with_other_letters_is_one(self, tagging):
        name = "é/" * 127 + "x"
        tagging.make(name)
        assert (name,) in tagging.paths()

    def test_nothing_is_below_itself_or_what_is_not_there(self, tagging, department):
        sold = tagging.make("Sales", department)
        for parent in (sold, department):
            with pytest.raises(TagInvalid):
                tagging.change(department, parent=parent)
        for work in (lambda: tagging.make("x", "tag_none"), lambda: tagging.change(sold, parent="tag_none")):
            with pytest.raises(TagNotFound) as caught:
                work()
            assert caught.value.where == "parent"

    def test_the_tree_is_neither_deeper_nor_larger_than_people_read(self, tagging, department, monkeypatch):
        at = department
        for number in range(tags.MOST_DEPTH - 1):
            at = tagging.make(f"t{number}", at)
        with pytest.raises(TagInvalid):
            tagging.make("deeper", at)
        two = tagging.make("One")
        tagging.make("Two", two)
        parent = tagging.make("above")
        assert tagging.paths()
        with pytest.raises(TagInvalid):
            tagging.change(two, parent=at)
        tagging.change(two, parent=parent)
        monkeypatch.setattr(tags, "MOST_TAGS", len(tagging.paths()))
        with pytest.raises(TooManyTags):
            tagging.make("more")

    def test_only_administrators_keep_it(self, database, people, clock, department):
        now = clock.now()
        for who in (people.ada, people.vic):
            with database.write() as db:
                with pytest.raises(RoleTooLow):
                    tags.make_tag(db, who, "x", "", now)
                with pytest.raises(RoleTooLow):
                    tags.change_tag(db, who, department, name="x", parent_id=None, now=now)
                with pytest.raises(RoleTooLow):
                    tags.remove_tag(db, who, department, now)
                assert tags.list_tags(db, who)[0].path == ("Department",)

    def test_numbers_are_never_given_again(self, database, tagging, department):
        def number(tag_id):
            with database.read() as db:
                return db.scalar(select(Tag.serial).where(Tag.id == tag_id))

        last = tagging.make("last")
        before = number(last)
        tagging.remove(last)
        after = number(tagging.make("next"))
        assert after > before > number(department)
        with database.read() as db:
            assert tags.find_numbered(db, "org_default", after).name == "next"
            assert tags.find_numbered(db, "org_default", before) is None


class TestOfApps:
    def test_an_app_is_found_by_its_tag_and_those_above(self, tagging, people, sales, department):
        sold = tagging.make("Sales", department)
        north = tagging.make("North", sold)
        other = tagging.make("Other", department)
        tagging.put(people.ada, "sales", north)
        assert tagging.of(sales) == [("Department", "Sales", "North")]
        for found in (north, sold, department):
            assert tagging.found(people.ada, found) == {"sales"}
        assert tagging.found(people.ada, other) == set()
        assert tagging.paths(people.ada) == {
            ("Department",): 1, ("Department", "Other"): 0,
            ("Department", "Sales"): 1, ("Department", "Sales", "North"): 1,
        }  # fmt: skip

    def test_putting_twice_is_putting_once_and_is_one_deed(self, tagging, people, sales, department):
        sold = tagging.make("Sales", department)
        tagging.put(people.ada, "sales", sold, sold)
        tagging.put(people.ada, "sales", sold)
        tagging.put(people.ada, "sales", take=[sold])
        tagging.put(people.ada, "sales", take=[sold])
        assert tagging.of(sales) == []
        assert tagging.actions()[-2:] == ["app.tagged", "app.untagged"]

    def test_a_category_is_put_on_nothing(self, tagging, people, sales, department):
        with pytest.raises(TagIsCategory):
            tagging.put(people.ada, "sales", department)
        with pytest.raises(TagNotFound):
            tagging.put(people.ada, "sales", "tag_none")
        sold = tagging.make("Sales", department)
        tagging.put(people.ada, "sales", sold)
        with pytest.raises(TagInUse):
            tagging.change(sold, parent="")
        assert tagging.of(sales) == [("Department", "Sales")]

    def test_only_editors_put_them(self, database, tagging, people, sales, department):
        sold = tagging.make("Sales", department)
        with pytest.raises(AppNotFound):
            tagging.put(people.bob, "sales", sold)
        with database.write() as db:
            db.get(App, sales.id).audience = Audience.SIGNED_IN
        with pytest.raises(NotAnEditor):
            tagging.put(people.bob, "sales", sold)
        tagging.put(people.admin, "sales", sold)
        assert tagging.of(sales) == [("Department", "Sales")]

    def test_what_one_may_not_see_is_neither_found_nor_counted(self, tagging, people, sales, department):
        sold = tagging.make("Sales", department)
        tagging.put(people.ada, "sales", sold)
        assert tagging.found(people.bob, sold) == set()
        assert set(tagging.paths(people.bob).values()) == {0}

    def test_a_removal_takes_what_is_below_along_and_off_the_apps(
        self, database, tagging, people, sales, department
    ):
        sold = tagging.make("Sales", department)
        north = tagging.make("North", sold)
        kept = tagging.make("Kept", department)
        tagging.put(people.ada, "sales", north, kept)
        removed = tagging.remove(sold)
        assert removed.tags == (("Department", "Sales"), ("Department", "Sales", "North"))
        assert removed.apps == ("sales",)
        assert tagging.of(sales) == [("Department", "Kept")]
        with database.read() as db:
            with pytest.raises(TagNotFound):
                tags.get_known(db, people.admin, north)
            entry = db.scalars(select(AuditEntry).where(AuditEntry.action == "tag.removed")).one()
            assert entry.before["apps"] == ["sales"]

    def test_an_app_that_goes_takes_its_tags(self, database, tagging, people, sales, department, clock):
        tagging.put(people.ada, "sales", tagging.make("Sales", department))
        with database.write() as db:
            tags.remove_of_app(db, sales.id)
            assert db.scalars(select(AppTag)).all() == []
