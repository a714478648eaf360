"""The example of every kind, at a host of its own: published, opened, clicked, and its pass renewed in between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tholos.testing import gallery
from tholos.testing.gallery import EXAMPLES, Gallery


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory, workshop: Path) -> Iterator[Gallery]:
    with gallery.opened(tmp_path_factory.mktemp("gallery"), "hosts", workshop) as room:
        yield room


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", EXAMPLES)
def test_it_is_opened_and_clicked(room, tmp_path, name):
    room.use(name, room.publish(name, tmp_path))
