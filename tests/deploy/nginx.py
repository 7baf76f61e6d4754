"""Debian's nginx with the site that we ship, in a folder and at a port of the test's own."""

import os
import ssl
import subprocess
from http.client import HTTPSConnection
from pathlib import Path

from tasks_app.management.supervisor import dies_with
from tests.deploy.web import PATIENCE_S, ROOT, wait_until
from tests.servers import found, free_port

SITE = ROOT / "deploy/nginx/darkroom.conf"
FRAME = """daemon off;
user {user};
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 768; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


class Nginx:
    """`with Nginx(folder, socket_path) as proxy: proxy.connect()`; its certificate is made for it. stream.sock lies beside that socket."""

    def __init__(self, folder: Path, upstream: Path):
        self.folder, self.port, self.plain_port = folder, free_port(), free_port()
        make_certificate(folder)
        (folder / "site.conf").write_text(self._site(upstream))
        (folder / "nginx.conf").write_text(FRAME.format(folder=folder, user="root" if os.geteuid() == 0 else "www-data"))
        self.command = [found("nginx"), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]

    def __enter__(self) -> "Nginx":
        self.process = subprocess.Popen(self.command, preexec_fn=dies_with(os.getpid()))
        wait_until((self.folder / "nginx.pid").exists, "nginx ran")
        return self

    def __exit__(self, *fault) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE_S)

    def connect(self) -> HTTPSConnection:
        context = ssl.create_default_context(cafile=str(self.folder / "fullchain.pem"))
        return HTTPSConnection("localhost", self.port, timeout=PATIENCE_S, context=context)

    def verdict(self) -> str:
        """What `nginx -t` says of the site."""
        done = subprocess.run([*self.command, "-t"], capture_output=True, text=True, check=False)
        return done.stderr

    def _site(self, upstream: Path) -> str:
        """As the installer fills it in, but at our ports, and without IPv6, which not every machine has."""
        text = SITE.read_text(encoding="utf-8").replace("@HOST@", "localhost").replace("@CERTIFICATE@", str(self.folder))
        text = text.replace("/run/darkroom/web.sock", str(upstream))
        text = text.replace("/run/darkroom/stream.sock", str(upstream.with_name("stream.sock")))
        lines = [line for line in text.splitlines() if "listen [::]" not in line]
        return "\n".join(lines).replace("listen 443", f"listen {self.port}").replace("listen 80", f"listen {self.plain_port}") + "\n"


def make_certificate(folder: Path) -> None:
    """For localhost, signed by itself, under certbot's names."""
    key, certificate = folder / "privkey.pem", folder / "fullchain.pem"
    made_of = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command = [
        "openssl",
        "req",
        "-x509",
        *made_of,
        "-addext",
        "subjectAltName=DNS:localhost",
        "-keyout",
        str(key),
        "-out",
        str(certificate),
    ]
    subprocess.run(command, check=True, capture_output=True)
