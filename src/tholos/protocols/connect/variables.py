"""What content finds in its environment by which libraries know the server that it runs on. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tholos.apps.models import App
from tholos.protocols.connect import contents

PRODUCT = "CONNECT"


@dataclass(frozen=True, slots=True)
class ContentVariables:
    """Names and values for an app's processes; what its publisher sets stands above them.

    Args:
        site_url: the console's address, without a slash at its end.
    """

    site_url: str

    def __call__(self, app: App) -> Mapping[str, str]:
        return {
            "CONNECT_SERVER": f"{self.site_url}/",
            "CONNECT_CONTENT_GUID": contents.guid_of(app),
            "POSIT_PRODUCT": PRODUCT,
            "RSTUDIO_PRODUCT": PRODUCT,
        }
