"""python -m scf_client.local --port 8010 --root var/functions: serve until SIGTERM or SIGINT.

Whoever reaches it may give it work, so it listens on 127.0.0.1; in a container, by --host, on a private network of those who may.
"""

import argparse
import sys
import time
from pathlib import Path

from aiohttp import web

from ..functions.common import logs
from .folder import Folder, Taken
from .pool import Pool
from .runs import Runs
from .web import application

SHUTDOWN_S = 1.0  # for answers on their way


def main() -> None:
    options = _options()
    logs.begin(options.log_format, name="functions")
    folder = Folder(options.root.resolve())
    try:
        folder.hold()
    except Taken as fault:
        sys.exit(str(fault))
    folder.prepare(now=time.time())
    pool = Pool(at_once=options.at_once, memory_mb=options.memory_mb, log_format=options.log_format)
    app = application(Runs(folder, pool), name=options.host)
    web.run_app(app, host=options.host, port=options.port, access_log=None, print=None, shutdown_timeout=SHUTDOWN_S)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scf_client.local", description="Run our cloud functions on this machine.")
    parser.add_argument("--host", default="127.0.0.1", help="the name it listens by, and is to be asked by")
    parser.add_argument("--port", type=int, default=8010)
    parser.add_argument("--root", type=Path, default=Path("var/functions"), help="where results and outputs are kept")
    parser.add_argument("--memory-mb", type=int, default=1024, help="bound of the address space of one instance")
    parser.add_argument("--at-once", type=int, default=2, help="how many runs go on together")
    parser.add_argument("--log-format", choices=("text", "json"), default="text")
    return parser.parse_args()


main()
