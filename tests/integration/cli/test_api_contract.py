from __future__ import annotations

import pytest

from tholos.client import Client
from tholos.testing.api_contract import ApiContract


class TestFakeApi(ApiContract):
    @pytest.fixture
    def client(self, api):
        with Client(api.url, api.token) as made:
            yield made
