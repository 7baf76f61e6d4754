"""The image and the Compose set on a Docker engine, by `make containers`: it takes minutes. Each test goes on from the one before."""

import os
import re
from http.client import HTTPConnection

import pytest

from tests.deploy.clients import Customer
from tests.deploy.engine import Engine, can_be_had, copied
from tests.deploy.test_containers import EVERYWHERE, SERVERS, SERVICES
from tests.deploy.web import PATIENCE_S, ROOT, wait_until

pytestmark = [
    pytest.mark.skipif(not os.environ.get("CONTAINERS"), reason="make containers runs it"),
    pytest.mark.skipif(not can_be_had(), reason="needs root, dockerd, docker compose and debootstrap"),
]
GUIDE = (ROOT / "docs/deployment.md").read_text(encoding="utf-8").partition("## Containers\n")[2]
COMMANDS = re.search(r"```bash\n(.*?)```", GUIDE, re.DOTALL)[1]
HOST = "api.example.com"


class House:
    """What the guide's commands come to, in a copy of our code; `house("logs", "web")` is a command of Compose."""

    def __init__(self, engine, code):
        self.engine, self.folder = engine, copied(code) / "deploy/containers"

    def begin(self):
        self.key = self.engine.said("bash", "-euc", COMMANDS, cwd=self.folder.parent.parent).split()[-1]

    def __call__(self, *words):
        return self.engine.said("docker", "compose", *words, cwd=self.folder)

    def inside(self, service, *words):
        return self.engine.run("docker", "compose", "exec", "-T", service, *words, cwd=self.folder)

    def connect(self):
        return HTTPConnection("127.0.0.1", 8000, timeout=PATIENCE_S)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with Engine() as engine:
        engine.fetch_images()
        house = House(engine, tmp_path_factory.mktemp("compose") / "darkroom")
        try:
            house.begin()
            yield house
        finally:
            engine.run("docker", "compose", "down", "--volumes", cwd=house.folder)


@pytest.fixture(scope="module")
def customer(house):
    customer = Customer(house, host=HOST)
    wait_until(customer.answers, "web answered")
    return customer


@pytest.fixture(scope="module")
def task(customer):
    return customer.task()


class TestTheGuidesCommands:
    def test_start_what_the_doctor_finds_well(self, house):
        wait_until(lambda: ", 0 broken" in house.inside("web", "./manage.py", "doctor").stdout, "all was well")

    def test_show_it_by_the_health_of_those_who_have_one(self, house):
        wait_until(lambda: house("ps").count("(healthy)") == 3, "database, Redis and web were healthy")

    def test_make_one_image_without_secrets_whose_user_owns_nothing_of_it(self, house):
        run = ["docker", "run", "--rm", "darkroom"]
        assert house.engine.said(*run, "id").startswith("uid=10001(darkroom) gid=10001(darkroom)")
        assert (
            house.engine.said(*run, "find", "/opt/darkroom", "(", "-name", "*.env", "-o", "-name", ".env*", "-o", "-user", "10001", ")")
            == ""
        )

    def test_serve_a_task_to_its_last_byte(self, customer, task):
        status, body = customer.picture(task)
        assert (status, len(body)) == (200, task["outputs"][0]["bytes"])


class TestEachContainer:
    @pytest.mark.parametrize("tier", EVERYWHERE)
    def test_is_confined_as_the_file_says(self, house, tier):
        assert house.inside(tier, "touch", "/opt/darkroom/mine").returncode != 0
        status = house.inside(tier, "cat", "/proc/1/status").stdout
        assert re.search(r"CapBnd:\s+0+\n", status)
        assert re.search(r"NoNewPrivs:\s+1\n", status)

    @pytest.mark.parametrize("service", [*EVERYWHERE, *SERVERS])
    def test_may_hold_the_memory_that_the_file_says(self, house, service):
        container = house("ps", "--quiet", service).strip()
        limit = int(house.engine.said("docker", "inspect", "--format", "{{.HostConfig.Memory}}", container))
        assert limit == int(SERVICES[service]["mem_limit"].rstrip("m")) * 1024 * 1024

    def test_of_functions_reaches_no_database(self, house):
        reach = "import socket; socket.create_connection(('mariadb', 3306), 3)"
        assert "OSError" in house.inside("functions", "python", "-c", f"try:\n    {reach}\nexcept OSError: print('OSError')").stdout


class TestUnderLoad:
    @pytest.mark.parametrize("command", [("restart", "functions"), ("restart", "submit", "poll", "store"), ("kill", "-s", "HUP", "web")])
    def test_a_restart_fails_no_request_and_loses_no_task(self, house, customer, command):
        customer.loses_nothing_while(lambda: house(*command))


class TestAfterDownAndUp:
    def test_all_is_there(self, house, customer, task):
        before = customer.picture(task)
        house("down")
        house("up", "--detach")
        wait_until(customer.answers, "web answered")
        assert customer.picture(task) == before
