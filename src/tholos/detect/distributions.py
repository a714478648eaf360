"""From what code imports to what installs it. A table of the names that differ; all others are taken as they are."""

from __future__ import annotations

import re
import sys

STANDARD = sys.stdlib_module_names | frozenset(
    # Modules of versions older and newer than the one that this runs on.
    [
        "annotationlib",
        "asynchat",
        "asyncore",
        "binhex",
        "cgi",
        "cgitb",
        "compression",
        "distutils",
        "dummy_threading",
        "formatter",
        "imp",
        "macpath",
        "parser",
        "pathlib_types",
        "smtpd",
        "symbol",
        "xdrlib",
        "__main__",
        "__future__",
        "_typeshed",
    ]
)

_DIFFERENT: dict[str, str] = {
    "attr": "attrs", "attrs": "attrs", "bs4": "beautifulsoup4", "cairo": "pycairo", "Crypto": "pycryptodome",
    "Cryptodome": "pycryptodomex", "cv2": "opencv-python-headless", "dash_bootstrap_components": "dash-bootstrap-components",
    "dateutil": "python-dateutil", "discord": "discord.py", "django_filters": "django-filter", "corsheaders":
    "django-cors-headers", "crispy_forms": "django-crispy-forms", "debug_toolbar": "django-debug-toolbar", "allauth":
    "django-allauth", "environ": "django-environ", "rest_framework": "djangorestframework", "rest_framework_simplejwt":
    "djangorestframework-simplejwt", "storages": "django-storages", "import_export": "django-import-export", "taggit":
    "django-taggit", "mptt": "django-mptt", "ninja": "django-ninja", "docx": "python-docx", "dns": "dnspython",
    "docopt": "docopt", "dotenv": "python-dotenv", "docker": "docker", "ephem": "ephem", "faiss": "faiss-cpu",
    "fitz": "PyMuPDF", "pymupdf": "PyMuPDF", "flask": "Flask", "flask_admin": "Flask-Admin", "flask_bcrypt": "Flask-Bcrypt",
    "flask_caching": "Flask-Caching", "flask_cors": "flask-cors", "flask_jwt_extended": "Flask-JWT-Extended",
    "flask_limiter": "Flask-Limiter", "flask_login": "Flask-Login", "flask_mail": "Flask-Mail", "flask_marshmallow":
    "flask-marshmallow", "flask_migrate": "Flask-Migrate", "flask_restful": "Flask-RESTful", "flask_restx": "flask-restx",
    "flask_session": "Flask-Session", "flask_socketio": "Flask-SocketIO", "flask_sqlalchemy": "Flask-SQLAlchemy",
    "flask_wtf": "Flask-WTF", "git": "GitPython", "github": "PyGithub", "gi": "PyGObject", "haystack": "haystack-ai",
    "igraph": "python-igraph", "jose": "python-jose", "jwt": "PyJWT", "kafka": "kafka-python", "ldap": "python-ldap",
    "llama_index": "llama-index", "magic": "python-magic", "markdown": "Markdown", "memcache": "python-memcached",
    "mpl_toolkits": "matplotlib", "multipart": "python-multipart", "python_multipart": "python-multipart",
    "mysql": "mysql-connector-python", "MySQLdb": "mysqlclient", "nacl": "PyNaCl", "OpenSSL": "pyOpenSSL",
    "osgeo": "GDAL", "past": "future", "PIL": "Pillow", "pkg_resources": "setuptools", "_pytest": "pytest",
    "pptx": "python-pptx", "psycopg2": "psycopg2-binary", "pwiz": "peewee", "playhouse": "peewee",
    "pylab": "matplotlib", "pytorch_lightning": "pytorch-lightning", "pywintypes": "pywin32", "win32api": "pywin32",
    "win32com": "pywin32", "rapidjson": "python-rapidjson", "redis": "redis", "rdkit": "rdkit", "sentence_transformers":
    "sentence-transformers", "sentry_sdk": "sentry-sdk", "serial": "pyserial", "skimage": "scikit-image",
    "sklearn": "scikit-learn", "slack_sdk": "slack-sdk", "slugify": "python-slugify", "snowflake":
    "snowflake-connector-python", "socketio": "python-socketio", "engineio": "python-engineio", "socks": "PySocks",
    "speech_recognition": "SpeechRecognition", "sqlalchemy": "SQLAlchemy", "sqlalchemy_utils": "SQLAlchemy-Utils",
    "streamlit_option_menu": "streamlit-option-menu", "telegram": "python-telegram-bot", "usb": "pyusb", "umap": "umap-learn",
    "web": "web.py", "websocket": "websocket-client", "werkzeug": "Werkzeug", "whois": "python-whois", "wx": "wxPython",
    "xlsxwriter": "XlsxWriter", "yaml": "PyYAML", "zmq": "pyzmq", "jinja2": "Jinja2", "markupsafe": "MarkupSafe",
    "wtforms": "WTForms", "django": "Django", "quart": "Quart", "bson": "pymongo", "gridfs": "pymongo", "pymysql": "PyMySQL",
    "community": "python-louvain", "Levenshtein": "Levenshtein", "psycopg": "psycopg[binary]", "tables": "tables",
    "talib": "TA-Lib", "graphviz": "graphviz", "geopandas": "geopandas", "netCDF4": "netCDF4", "Bio": "biopython",
    "ruamel": "ruamel.yaml", "cherrypy": "CherryPy", "IPython": "ipython", "babel": "Babel", "pandas_datareader":
    "pandas-datareader", "st_aggrid": "streamlit-aggrid", "streamlit_folium": "streamlit-folium", "decouple":
    "python-decouple", "dj_database_url": "dj-database-url", "whitenoise": "whitenoise", "graphene_django": "graphene-django",
    "oauth2_provider": "django-oauth-toolkit", "strawberry": "strawberry-graphql", "tortoise": "tortoise-orm",
}  # fmt: skip

_NAMESPACES: dict[str, str] = {
    "google.protobuf": "protobuf",
    "google.auth": "google-auth",
    "google.oauth2": "google-auth",
    "google.generativeai": "google-generativeai",
    "google.genai": "google-genai",
    "google.api_core": "google-api-core",
    "google_auth_oauthlib": "google-auth-oauthlib",
    "googleapiclient": "google-api-python-client",
    "google.cloud": "google-cloud-",
    "azure": "azure-",
    "zope": "zope.",
    "backports": "backports.",
    "sphinxcontrib": "sphinxcontrib-",
    "ruamel.yaml": "ruamel.yaml",
}
"""Prefixes of namespace packages; a value that ends in a separator takes the names that follow."""

_AZURE_DEPTH = {"storage": 2, "keyvault": 2, "ai": 2, "monitor": 2, "mgmt": 2, "data": 2}

NEEDS: dict[str, str] = {
    "fastapi.Form": "python-multipart",
    "fastapi.File": "python-multipart",
    "fastapi.UploadFile": "python-multipart",
    "fastapi.security.OAuth2PasswordRequestForm": "python-multipart",
    "fastapi.templating": "Jinja2",
    "starlette.templating": "Jinja2",
    "starlette.middleware.sessions": "itsdangerous",
    "pydantic.EmailStr": "email-validator",
    "fastapi.testclient": "httpx",
    "starlette.testclient": "httpx",
    "flask.ext": "Flask",
}
"""What an import makes needed besides its own distribution, because the framework leaves it optional."""

HOMELY = frozenset(
    [
        "auth",
        "base",
        "common",
        "conf",
        "config",
        "configs",
        "constants",
        "controllers",
        "core",
        "crud",
        "data",
        "database",
        "db",
        "forms",
        "handlers",
        "helper",
        "helpers",
        "lib",
        "logger",
        "main",
        "models",
        "my_module",
        "mylib",
        "modules",
        "pages",
        "queries",
        "routers",
        "routes",
        "schema",
        "schemas",
        "scripts",
        "secrets_local",
        "services",
        "settings",
        "src",
        "tools",
        "util",
        "utils",
        "views",
        "app",
        "application",
        "api",
        "local_settings",
    ]
)
"""Names that people give their own modules: where such a one is missing, a stranger's package of that name is not the answer."""

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")


def normalize(name: str) -> str:
    """A distribution's name as indexes compare it (PEP 503), without extras."""
    return re.sub(r"[-_.]+", "-", name.partition("[")[0]).lower()


def of_import(dotted: str) -> str | None:
    """The distribution that provides a module; ``None`` for a name that can have none."""
    parts = dotted.split(".")
    for length in (2, 1):
        prefix = ".".join(parts[:length])
        if prefix in _NAMESPACES:
            return _in_namespace(prefix, parts[length:])
    if parts[0] in {"google", "mx"}:
        return None
    name = _DIFFERENT.get(parts[0], parts[0].replace("_", "-").strip("-"))
    return name if _NAME.fullmatch(name.partition("[")[0]) and name.isascii() else None


def _in_namespace(prefix: str, rest: list[str]) -> str | None:
    name = _NAMESPACES[prefix]
    if name[-1] not in "-.":
        return name
    if not rest:
        return None
    taken = _AZURE_DEPTH.get(rest[0], 1) if prefix == "azure" else 1
    return name + "-".join(rest[:taken]).replace("_", "-")
