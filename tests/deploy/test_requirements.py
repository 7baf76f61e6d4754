"""requirements.txt lists all that our processes import: a server gets nothing else, where a developer's machine has the tests' packages."""

import re
import subprocess
import sys
from importlib.metadata import distribution, packages_distributions

from tests.deploy.web import ROOT

IMPORTED = """
import sys
import django
django.setup()
from config.celery import app
app.loader.import_default_modules()
from django.urls import get_resolver
get_resolver().url_patterns
from kombu.transport import redis as of_kombu
from celery.apps import beat, worker
from celery.concurrency import thread
import celery.fixups.django, config.broker, config.mysql.base, django_celery_beat.schedulers, gunicorn.app.wsgiapp
import scf_client.local.web, tasks_app.storage.cos
print(*{name.partition(".")[0] for name in sys.modules})
"""

# Looked for by others, who do without them.
OPTIONAL = {"greenlet", "_distutils_hack"}


def name(text):
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", text)[0]).lower()


def closure(wanted):
    """Distributions and, without extras, what they ask for."""
    found, left = set(), list(wanted)
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            left += [name(need) for need in distribution(one).requires or () if "extra ==" not in need and is_installed(need)]
    return found


def is_installed(need):
    return name(need) in INSTALLED


INSTALLED = {name(one) for ones in packages_distributions().values() for one in ones}


def test_what_processes_import_is_listed_or_asked_for_by_what_is():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    listed = closure(name(line) for line in lines if line and not line.startswith("#") and name(line) in INSTALLED)
    environment = {"DJANGO_SETTINGS_MODULE": "config.settings", "REDIS_URL": "redis://127.0.0.1:1/0", "PATH": "/usr/bin"}
    done = subprocess.run([sys.executable, "-c", IMPORTED], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    owners = packages_distributions()
    imported = {module: {*map(name, owners[module])} for module in done.stdout.split() if module in owners and module not in OPTIONAL}
    assert {module: by for module, by in imported.items() if not by & listed} == {}
