"""What is known of frameworks: the objects they make, the servers those speak to, the distributions they come in.

Tables only. A framework that is known and cannot be served yet stands here too, so that the refusal can name it.
"""

from __future__ import annotations

from tholos.detect.model import Kind

FLASK = "Flask"
DJANGO = "Django"
DASH = "Dash"
STREAMLIT = "Streamlit"
SHINY = "Shiny"
GRADIO = "Gradio"
BOKEH = "Bokeh"
PANEL = "Panel"
VOILA = "Voilà"
NOTEBOOK = "Notebook"
STATIC = "Static site"
MARIMO = "marimo"
COMMAND = "Command"

_WSGI: dict[str, tuple[str, ...]] = {
    FLASK: ("flask.Flask", "flask.app.Flask", "apiflask.APIFlask", "eve.Eve", "flask_openapi3.OpenAPI"),
    DJANGO: ("django.core.wsgi.get_wsgi_application", "django.core.handlers.wsgi.WSGIHandler"),
    "Bottle": ("bottle.Bottle", "bottle.default_app", "bottle.app"),
    "Falcon": ("falcon.App", "falcon.API"),
    "CherryPy": ("cherrypy.Application", "cherrypy.tree.mount"),
    "Werkzeug": ("werkzeug.middleware.dispatcher.DispatcherMiddleware",),
    "Spyne": ("spyne.server.wsgi.WsgiApplication",),
    "WhiteNoise": ("whitenoise.WhiteNoise",),
    "Pecan": ("pecan.make_app", "pecan.load_app", "pecan.deploy.deploy"),
    "TurboGears": ("tg.AppConfig.make_wsgi_app",),
    "Socket.IO": ("socketio.WSGIApp", "socketio.Middleware"),
    "WSGI": ("a2wsgi.ASGIMiddleware",),
    # An object with a Flask app in it, which the guest code takes out.
    DASH: ("dash.Dash", "dash.dash.Dash", "dash_extensions.enrich.DashProxy"),
}
_ASGI: dict[str, tuple[str, ...]] = {
    "FastAPI": ("fastapi.FastAPI", "fastapi.applications.FastAPI"),
    "Starlette": ("starlette.applications.Starlette", "starlette.routing.Router"),
    DJANGO: (
        "django.core.asgi.get_asgi_application",
        "channels.routing.ProtocolTypeRouter",
        "channels.routing.get_default_application",
    ),
    "Quart": ("quart.Quart", "quart.app.Quart"),
    "Litestar": ("litestar.Litestar", "litestar.app.Litestar", "starlite.Starlite", "starlite.app.Starlite"),
    "Falcon": ("falcon.asgi.App",),
    "BlackSheep": ("blacksheep.Application", "blacksheep.server.Application"),
    "Connexion": ("connexion.App", "connexion.AsyncApp", "connexion.FlaskApp"),
    SHINY: ("shiny.App",),
    GRADIO: ("gradio.mount_gradio_app", "gradio.routes.mount_gradio_app"),
    "Ariadne": ("ariadne.asgi.GraphQL",),
    "Strawberry": ("strawberry.asgi.GraphQL",),
    "Emmett": ("emmett.App",),
    "Socket.IO": ("socketio.ASGIApp",),
    "ASGI": ("asgiref.wsgi.WsgiToAsgi", "a2wsgi.WSGIMiddleware"),
}

_BLOCKS = ("Blocks", "Interface", "ChatInterface", "TabbedInterface", "load")

CONSTRUCTORS: dict[str, tuple[Kind, str]] = {
    **{name: (Kind.WSGI, framework) for framework, names in _WSGI.items() for name in names},
    **{name: (Kind.ASGI, framework) for framework, names in _ASGI.items() for name in names},
    **{f"gradio.{name}": (Kind.GRADIO, GRADIO) for name in _BLOCKS},
}
"""What calling a name makes; also the base classes and return types that say the same."""

METHODS: dict[str, tuple[Kind, str]] = {
    "make_wsgi_app": (Kind.WSGI, "Pyramid"),
    "wsgifunc": (Kind.WSGI, "web.py"),
    "streamable_http_app": (Kind.ASGI, "MCP"),
    "sse_app": (Kind.ASGI, "MCP"),
}
"""What calling a method of that name makes, whatever its object."""

KINDS: dict[str, tuple[Kind, str]] = {
    "wsgi": (Kind.WSGI, "WSGI"),
    "asgi": (Kind.ASGI, "ASGI"),
    "streamlit": (Kind.STREAMLIT, STREAMLIT),
    "gradio": (Kind.GRADIO, GRADIO),
    "bokeh": (Kind.BOKEH, BOKEH),
    "panel": (Kind.PANEL, PANEL),
    "marimo": (Kind.MARIMO, MARIMO),
    "voila": (Kind.VOILA, VOILA),
    "notebook": (Kind.NOTEBOOK, NOTEBOOK),
    "command": (Kind.COMMAND, COMMAND),
    "static": (Kind.STATIC, STATIC),
    "dash": (Kind.WSGI, DASH),
    "shiny": (Kind.ASGI, SHINY),
    "flask": (Kind.WSGI, FLASK),
    "django": (Kind.WSGI, DJANGO),
    "bottle": (Kind.WSGI, "Bottle"),
    "fastapi": (Kind.ASGI, "FastAPI"),
    "starlette": (Kind.ASGI, "Starlette"),
    "quart": (Kind.ASGI, "Quart"),
    "litestar": (Kind.ASGI, "Litestar"),
}
"""What ``--kind`` takes."""

DISTRIBUTIONS: dict[str, tuple[str, ...]] = {
    FLASK: ("Flask",),
    DJANGO: ("Django",),
    DASH: ("dash",),
    STREAMLIT: ("streamlit",),
    GRADIO: ("gradio",),
    BOKEH: ("bokeh",),
    PANEL: ("panel",),
    MARIMO: ("marimo",),
    VOILA: ("voila", "ipykernel"),
    NOTEBOOK: ("nbconvert", "ipykernel"),
    "FastAPI": ("fastapi",),
    "Starlette": ("starlette",),
    "Quart": ("Quart",),
    "Litestar": ("litestar",),
    "Bottle": ("bottle",),
    "Falcon": ("falcon",),
    SHINY: ("shiny",),
    "BlackSheep": ("blacksheep",),
    "Connexion": ("connexion",),
    "CherryPy": ("CherryPy",),
    "Pyramid": ("pyramid",),
}
"""What brings a framework; those left out come with others or under several names."""

BRINGS: dict[str, frozenset[str]] = {
    "starlette": frozenset({"fastapi"}),
    "flask": frozenset({"apiflask", "eve", "flask-openapi3", "dash", "connexion"}),
    "fastapi": frozenset({"gradio"}),
    "litestar": frozenset({"starlite"}),
    "django": frozenset({"djangorestframework", "channels", "wagtail", "django-ninja"}),
    "pyramid": frozenset({"cornice"}),
    "bokeh": frozenset({"panel"}),
    "nbconvert": frozenset({"voila", "notebook", "jupyterlab", "jupyter"}),
    "ipykernel": frozenset({"notebook", "jupyterlab", "jupyter"}),
}
"""Distributions that cannot be without that one."""

UNSERVED: dict[str, str] = {
    "aiohttp.web": "aiohttp",
    "chainlit": "Chainlit",
    "flet": "Flet",
    "mesop": "Mesop",
    "nicegui": "NiceGUI",
    "reflex": "Reflex",
    "robyn": "Robyn",
    "sanic": "Sanic",
    "solara": "Solara",
    "taipy": "Taipy",
    "tornado.web": "Tornado",
}
"""Imports that say what an app is where nothing that can be served was found."""

MENTIONS = (
    r"\b(?:Flask|APIFlask|Eve|FastAPI|Starlette|Router|Quart|Litestar|Starlite|Dash|get_[aw]sgi_application|WSGIHandler|"
    r"get_default_application|ProtocolTypeRouter|make_wsgi_app|wsgifunc|streamable_http_app|sse_app|start_response|receive|"
    r"bottle|falcon|cherrypy|werkzeug|spyne|whitenoise|pecan|flask_openapi3|blacksheep|connexion|shiny|gradio|ariadne|strawberry|"
    r"emmett|socketio|a2wsgi|asgiref|streamlit|bokeh|panel|marimo)\b"
)
"""A file that holds none of these words defines no app by itself, and need not be parsed to know it."""
