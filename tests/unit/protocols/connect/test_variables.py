"""What content finds in its environment."""

from tholos.apps.models import App
from tholos.protocols.connect.variables import ContentVariables


def test_a_server_its_guid_and_the_product():
    told = ContentVariables("https://tholos.example.org")(
        App(id="app_01h455vb4pex5vsknk084sn02q", name="sales")
    )
    assert told == {
        "CONNECT_SERVER": "https://tholos.example.org/",
        "CONNECT_CONTENT_GUID": "01890a5d-ac96-774b-bcce-b302099a8057",
        "POSIT_PRODUCT": "CONNECT",
        "RSTUDIO_PRODUCT": "CONNECT",
    }
