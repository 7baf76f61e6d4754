"""URLs of clients that lead inside: each form that we know, at each door that takes a URL, and behind a redirect.

What is refused at the door is answered 422. What only a look-up can tell, names and redirects, is taken, and must fail before a
connection is made. Someone listens on this machine's own ports 443 and 80, and must hear nothing.
"""

import http.client
import json
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

from tasks_app.ids import parse, shown

from .judge import still_open
from .names import ZONE
from .stage import Stage, wait_for
from .trouble import Scene, trouble

METADATA = "169.254.169.254"
HOSTS = (
    # IPv4: loopback, private, link-local, clouds' metadata, carriers', multicast, reserved
    *("127.0.0.1", "127.8.8.8", "127.0.0.1.", "0.0.0.0", "0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", METADATA),
    *("169.254.170.2", "100.100.100.200", "192.0.0.192", "100.64.0.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
    # the same in other clothes: short, decimal, octal, hexadecimal, mixed
    *("127.1", "127.0.1", "10.1", "2130706433", "2852039166", "017700000001", "0177.0.0.1", "0177.0.0.01", "0251.0376.0251.0376"),
    *("0x7f.0.0.1", "0x7f000001", "0x7f.1", "0xa9fea9fe", "0xa9.0xfe.0xa9.0xfe", "127.0.0.0x1", "00000177.0.0.1", "169.16689662"),
    # IPv6: loopback, unspecified, mapped, compatible, NAT64, 6to4, Teredo, link-local, unique local, site-local, documentation
    *("[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:169.254.169.254]", "[::127.0.0.1]"),
    *("[64:ff9b::7f00:1]", "[64:ff9b:1::a9fe:a9fe]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[fe80::1]", "[fe80::1%25lo]", "[fc00::1]"),
    *("[fd00:ec2::254]", "[fec0::1]", "[ff02::1]", "[2001:db8::1]", "[::ffff:0:127.0.0.1]", "[100::1]", "[5f00::1]"),
    # letters that normalise to digits and dots
    *("①②⑦.⓪.⓪.①", "１２７.０.０.１", "127。0。0。1", "127．0．0．1", "𝟏𝟐𝟕.𝟎.𝟎.𝟏", "①⑥⑨.②⑤④.①⑥⑨.②⑤④"),
)
URLS = (
    *(f"https://{host}/a" for host in HOSTS),
    # written so that two parsers read two hosts, or another scheme, port or user
    *("http://127.0.0.1/", "http://[::1]/", "https://127.0.0.1:22/", "https://127.0.0.1:6379/", "https://127.0.0.1:8443/"),
    *(
        "https://example.com@127.0.0.1/",
        "https://127.0.0.1\\@example.com/",
        "https://example.com\\@127.0.0.1/",
        "https://user:word@10.0.0.1/",
    ),
    *("https://127.0.0.1#@example.com/", "https://127.0.0.1?@example.com/", "https:127.0.0.1/", "https:/127.0.0.1/", "https:///127.0.0.1/"),
    *(
        "//127.0.0.1/",
        "https://\t127.0.0.1/",
        "https://127.0.0.1%00.example.com/",
        "https://127.0.0.1%2f.example.com/",
        "https://%31%32%37.0.0.1/",
    ),
    *(
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_INFO",
        "ftp://127.0.0.1/",
        "dict://127.0.0.1:6379/info",
        "data:image/png;base64,AAAA",
    ),
    *("jar:https://127.0.0.1!/", "ldap://127.0.0.1/", "javascript:alert(1)", "unix:///run/mysqld/mysqld.sock", "https://", "https://[", ""),
)
LIVES_S = 60
DOORS = ("picture", "webhook", "endpoint")


@dataclass
class Tried:
    """`at_the_door` and `behind_it` count refusals; `taken`: by door, tasks whose URL only a look-up can judge."""

    forms: int = 0
    at_the_door: int = 0
    behind_it: int = 0
    taken: dict[str, dict[str, str]] = field(default_factory=lambda: {"picture": {}, "webhook": {}})
    wrong: list[str] = field(default_factory=list)


@trouble(tasks=30, over_s=5.0)
def clients_name_urls_that_lead_inside(scene: Scene) -> None:
    """For pictures, for webhooks, behind redirects, behind names that change their answer: none is connected to."""
    stage, tried = scene.stage, Tried()
    with listening_inside() as heard:
        for url in URLS:
            _try(stage, tried, url)
        for url in names_of_the_inside(stage):
            _try(stage, tried, url, ("picture", "webhook"))
        for url in URLS:
            _try(stage, tried, stage.album.redirecting(url), ("picture",))
        scene.load.join()
        _see_them_end(stage, tried)
    scene.notes.append(
        f"{tried.forms} forms: {tried.at_the_door} refused at the door, {tried.behind_it} behind it, {sum(heard.values())} connections"
    )
    scene.load.wrong.extend(tried.wrong)
    scene.load.wrong.extend(f"someone came to {place}" for place in heard)


def names_of_the_inside(stage: Stage) -> list[str]:
    """Names that lead inside, or do so now and then; and names of this machine in disguise."""
    hosts = ["localhost", "localhost.", "LOCALHOST", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "loc\u00adalhost"]
    if names := stage.names:
        hosts += [
            names.will_answer(f"inside{number}", address) for number, address in enumerate(("127.0.0.1", "10.0.0.1", METADATA, "0.0.0.0"))
        ]
        # Each look-up is answered otherwise; no two are made for one connection.
        hosts += [names.will_answer(f"rebinding{number}", "127.0.0.1", METADATA, "10.0.0.1") for number in range(5)]
        hosts += [f"127.0.0.1.{ZONE}", f"xn--localhost-.{ZONE}"]
    return [f"https://{host}/a" for host in hosts]


@contextmanager
def listening_inside() -> Iterator[Counter[str]]:
    """What connects to ports 443 and 80 of this machine, by address, where we may listen there."""
    heard: Counter[str] = Counter()
    with ExitStack() as stack:
        for host, port in (("127.0.0.1", 443), ("127.0.0.1", 80), ("::1", 443), ("::1", 80)):
            with suppress(OSError):
                listener = stack.enter_context(
                    socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
                )
                threading.Thread(target=_count, args=(listener, f"{host} port {port}", heard), daemon=True).start()
        yield heard


def _count(listener: socket.socket, place: str, heard: Counter[str]) -> None:
    with suppress(OSError):
        while True:
            listener.accept()[0].close()
            heard[place] += 1


def _try(stage: Stage, tried: Tried, url: str, doors: tuple[str, ...] = DOORS) -> None:
    picture = {"model": "fire/near", "input": {"prompt": "inside", "image": url}, "expires_in": LIVES_S}
    bodies = {
        "picture": ("/api/v1/tasks", picture),
        "webhook": ("/api/v1/tasks", {"model": "fire/plasma", "input": {"prompt": "inside"}, "webhook_url": url}),
        "endpoint": ("/api/v1/webhook-endpoints", {"url": url}),
    }
    for door in doors:
        tried.forms += 1
        status, answer = _post(stage, *bodies[door])
        if status == 422:
            tried.at_the_door += 1
        elif status == 201 and door != "endpoint":
            tried.taken[door][answer["id"]] = url
        else:
            tried.wrong.append(f"{door} {url!r} was answered {status}")


def _see_them_end(stage: Stage, tried: Tried) -> None:
    """Pictures that were asked for fail their tasks, and webhooks that were to be sent say why they were not."""
    pictures = tried.taken["picture"]
    wait_for(lambda: not still_open(stage), within_s=90)
    for id, status, code in _rows(stage, "SELECT LOWER(HEX(id)), status, error_code FROM tasks_app_task WHERE id IN ({})", pictures):
        if (status, code) == ("failed", "invalid_input"):
            tried.behind_it += 1
        else:
            tried.wrong.append(f"a picture at {pictures[id]!r} ended as {status}: {code}")
    webhooks = tried.taken["webhook"]
    said = "SELECT LOWER(HEX(task_id)), status, IF(reason = '', '-', reason) FROM tasks_app_delivery WHERE task_id IN ({})"
    wait_for(lambda: all(reason != "-" for _, _, reason in _rows(stage, said, webhooks)), within_s=60)
    for id, status, reason in _rows(stage, said, webhooks):
        if status != "delivered" and reason == "not_allowed":
            tried.behind_it += 1
        else:
            tried.wrong.append(f"a webhook to {webhooks[id]!r} ended as {status}: {reason}")
    _rows(stage, "DELETE FROM tasks_app_delivery WHERE task_id IN ({})", webhooks)


def _rows(stage: Stage, statement: str, tasks: dict[str, str]) -> list[list[str]]:
    """Its rows, each led by the task's id as clients see it."""
    if not tasks:
        return []
    bare = ", ".join(f"UNHEX('{parse('task', id).hex}')" for id in tasks)
    return [[shown("task", bytes.fromhex(id)), *rest] for id, *rest in stage.sql(statement.format(bare))]


def _post(stage: Stage, path: str, body: dict) -> tuple[int, dict]:
    connection = http.client.HTTPConnection("127.0.0.1", stage.web_port, timeout=20)
    headers = {"Authorization": f"Bearer {stage.keys['acme']}", "Content-Type": "application/json"}
    try:
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"{}")
    finally:
        connection.close()
