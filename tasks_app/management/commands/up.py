"""`manage.py up`: prepare the database, then serve everything until Ctrl-C."""

import os
import signal
import socket
import sys
import threading
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command

from tasks_app.management.supervisor import Process, Supervisor, beside_python, read_procfile

COLOURS = (36, 33, 35, 32, 34, 31)
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

WHERE = """
Darkroom is up at {url}

  API      {url}/api/v1/     try: curl {url}/readyz
  docs     {url}/api/docs/
  studio   {url}/studio/     the page for people: sign in with an API key
  admin    {url}/admin/     an operator: ./manage.py createsuperuser
  account  ./manage.py create_account NAME --credits 1000     prints an API key

Ctrl-C stops everything.
"""


class Command(BaseCommand):
    help = "Serves everything (web, stream, worker, beat, functions) until Ctrl-C; starts again what dies."
    requires_system_checks = "__all__"

    def handle(self, *args, **options):
        processes = our_processes()
        refuse_taken_ports()
        prepare()
        ended = when_told_to_end()
        supervisor = Supervisor(beside_python(os.environ), processes, write=Lines(processes, sys.stdout).write)
        supervisor.start()
        try:
            announce(supervisor, ended, self.stdout.write)
            ended.wait()
        finally:
            self.stdout.write("stopping …")
            supervisor.stop()


def our_processes() -> list[Process]:
    """What the Procfile names, with the functions' settings filled in; without the local runtime where they run in the cloud."""
    names = {
        "FUNCTIONS_PORT": str(urlsplit(settings.FUNCTIONS_URL).port or 80),
        "FUNCTIONS_DIR": str(settings.FUNCTIONS_DIR),
        "FUNCTIONS_MEMORY_MB": str(settings.FUNCTIONS_MEMORY_MB),
        "FUNCTIONS_AT_ONCE": str(settings.FUNCTIONS_AT_ONCE),
        "LOG_FORMAT": settings.LOG_FORMAT,
    }
    processes = read_procfile(settings.PROCFILE, names)
    return [process for process in processes if process.name != "functions" or settings.FUNCTIONS == "local"]


def refuse_taken_ports() -> None:
    """Raises CommandError that names the first address which something else listens on."""
    addresses = {"WEB_BIND": settings.WEB_BIND, "STREAM_BIND": settings.STREAM_BIND}
    if settings.FUNCTIONS == "local":
        addresses["FUNCTIONS_URL"] = urlsplit(settings.FUNCTIONS_URL).netloc
    for variable, address in addresses.items():
        if not address.startswith("unix:") and is_taken(address):
            raise CommandError(f"Something listens on {address} already. Stop it, or set {variable} to another address.")


def is_taken(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host.strip("[]"), int(port)))
        except OSError:
            return True
    return False


def prepare() -> None:
    """The tables, the built-in models, the schedule and the roles; each step finds its own work done and does it once."""
    call_command("migrate", verbosity=0, skip_checks=False)  # its checks look at the database too
    call_command("install_models", verbosity=0)
    call_command("install_schedule", verbosity=0)
    call_command("install_roles", verbosity=0)


def when_told_to_end() -> threading.Event:
    """Set by Ctrl-C, TERM or a closed terminal; a second Ctrl-C ends at once, and the kernel ends the children."""
    ended = threading.Event()

    def end(number, frame):
        if ended.is_set():
            os._exit(1)
        ended.set()

    for number in ENDING:
        signal.signal(number, end)
    return ended


def announce(supervisor: Supervisor, ended: threading.Event, write) -> None:
    if settings.WEB_BIND.startswith("unix:"):
        return
    threading.Thread(target=_announce, args=(supervisor, ended, write), daemon=True).start()


def _announce(supervisor: Supervisor, ended: threading.Event, write) -> None:
    try:
        supervisor.wait_ready(f"http://{settings.WEB_BIND}/readyz")
    except TimeoutError as fault:
        if not ended.is_set():
            write(f"{fault}. Read the lines above, or: curl http://{settings.WEB_BIND}/readyz")
        return
    write(WHERE.format(url=settings.PUBLIC_URL))


class Lines:
    """Writes each line behind its process's name, in the process's colour on a terminal."""

    def __init__(self, processes: list[Process], out):
        self._out = out
        self._width = max(len(process.name) for process in processes)
        self._colours = {process.name: COLOURS[place % len(COLOURS)] for place, process in enumerate(processes)}
        self._lock = threading.Lock()

    def write(self, name: str, line: str) -> None:
        head = f"{name:<{self._width}} |"
        if self._out.isatty():
            head = f"\x1b[{self._colours[name]}m{head}\x1b[0m"
        with self._lock:
            self._out.write(f"{head} {line}\n")
            self._out.flush()
