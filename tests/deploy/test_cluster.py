"""The manifests on a Kubernetes cluster of one node, by `make cluster`: it takes minutes. Each test goes on from the one before."""

import os
import re
from contextlib import contextmanager
from dataclasses import replace
from http.client import HTTPConnection

import pytest
import yaml

from tests.deploy.clients import Customer
from tests.deploy.cluster import PAUSE, Cluster, missing
from tests.deploy.engine import IMAGES, Engine, copied
from tests.deploy.node import HOST as THIS_MACHINE
from tests.deploy.test_containers import CONTAINERS, TIERS
from tests.deploy.web import PATIENCE_S, ROOT, wait_until
from tests.scf_client.cloud import PLACE, sky
from tests.servers import MariaDB, Redis

pytestmark = pytest.mark.skipif(not os.environ.get("CLUSTER"), reason="make cluster runs it")
GUIDE = (ROOT / "docs/deployment.md").read_text(encoding="utf-8").partition("## Kubernetes\n")[2]
COMMANDS = re.search(r"```bash\n(.*?)```", GUIDE, re.DOTALL)[1]
UPGRADE = re.search(r"kubectl delete.*rollout status[^\n]*\n", COMMANDS, re.DOTALL)[0]
HOST, IMAGE = "api.example.com", "registry.example.com/darkroom"
FUNCTIONS = ("image_stitch", "test_card", "text_process", "video_compose")
MIB = 1024 * 1024
# As their owner would: they are told to end, and have a second for it.
KILLED = ("kubectl", "delete", "pod", "--selector=tier in (submit, poll, store)", "--grace-period=1")
REPLACED = ("bash", "-euc", "kubectl rollout restart deployment web && kubectl rollout status deployment web --timeout 5m")


class House:
    """What the guide's commands come to, the manifests filled in as an operator does."""

    def __init__(self, cluster, code, environment):
        self.cluster, self.folder = cluster, code / "deploy/containers/kubernetes"
        secret = yaml.safe_load((self.folder / "secret.example.yaml").read_text())
        config = yaml.safe_load((self.folder / "config.yaml").read_text())
        secret["stringData"] = {name: environment[name] for name in secret["stringData"]}
        config["data"] |= {name: value for name, value in environment.items() if name not in secret["stringData"]}
        (self.folder / "secret.yaml").write_text(yaml.safe_dump(secret))
        (self.folder / "config.yaml").write_text(yaml.safe_dump(config))
        if cluster.minor < 21:  # which have this kind under its old name only
            self.edit("web.yaml", "policy/v1", "policy/v1beta1")

    def begin(self):
        self.key = self.does(COMMANDS).split()[-1]
        self.address = self.cluster.got("service", "web")["spec"]["clusterIP"]

    def edit(self, name, old, new):
        (self.folder / name).write_text((self.folder / name).read_text().replace(old, new))

    def does(self, commands):
        return self.cluster.said("bash", "-euo", "pipefail", "-c", commands, cwd=self.folder)

    def connect(self):
        return HTTPConnection(self.address, 80, timeout=PATIENCE_S)

    def inside(self, tier, *words):
        pod = "web" if tier == "stream" else tier
        return self.cluster.run("kubectl", "exec", f"deployment/{pod}", "--container", tier, "--", *words)

    def pods(self):
        """But those that are told to end."""
        return [pod for pod in self.cluster.got("pods", "--selector=app=darkroom")["items"] if "deletionTimestamp" not in pod["metadata"]]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    if lack := missing():
        pytest.skip(lack)
    folder = tmp_path_factory.mktemp("cluster")
    code = copied(folder / "darkroom")
    images = make_images(folder / "images.tar", code)
    with Cluster(images) as cluster, what_a_cloud_offers() as environment:
        images.unlink()
        house = House(cluster, code, environment)
        house.begin()
        yield house


def make_images(file, code):
    """Ours, as two versions, and what holds a pod together; as `docker save` writes them."""
    with Engine() as engine:
        engine.fetch_images()
        (code / "deploy/containers/darkroom.env").touch()
        engine.said("env", "MARIADB_PASSWORD=none", "docker", "compose", "build", "prepare", cwd=code / "deploy/containers")
        engine.said("docker", "build", "--quiet", "--tag", PAUSE, str(IMAGES / "pause"))
        for version in ("1", "2"):
            engine.said("docker", "tag", "darkroom", f"{IMAGE}:{version}")
        engine.said("docker", "save", "--output", str(file), f"{IMAGE}:1", f"{IMAGE}:2", PAUSE)
    return file


@contextmanager
def what_a_cloud_offers():
    """MariaDB, Redis, a bucket and functions where pods reach them; the environment that says so."""
    with MariaDB(host=THIS_MACHINE) as database, Redis(host=THIS_MACHINE) as redis, sky(host=THIS_MACHINE) as clouds:
        database.run("CREATE DATABASE darkroom CHARACTER SET utf8mb4; CREATE USER darkroom; GRANT ALL ON darkroom.* TO darkroom")
        clouds.deploy(*FUNCTIONS, place=replace(PLACE, instances=8))
        yield {
            **clouds.cos.variables,
            **clouds.scf.variables,
            "EGRESS_ALLOW": f"{THIS_MACHINE}:{clouds.cos.port}",
            "DATABASE_URL": database.url().replace("root", "darkroom"),
            "REDIS_URL": redis.url(),
            "SECRET_KEY": "k" * 50,
            "SEALING_KEYS": "RGFya3Jvb20gZGV2ZWxvcG1lbnQgc2VhbGluZyBrZXk=",
        }


@pytest.fixture(scope="module")
def customer(house):
    return Customer(house, host=HOST)


class TestTheGuidesCommands:
    def test_prepare_the_database_before_anybody_needs_it(self, house):
        assert house.cluster.got("job", "prepare")["status"]["succeeded"] == 1
        restarts = {one["name"]: one["restartCount"] for pod in house.pods() for one in pod["status"]["containerStatuses"]}
        assert restarts == dict.fromkeys([*TIERS, "prepare"], 0)

    def test_make_every_deployment_available(self, house):
        for one in house.cluster.got("deployments")["items"]:
            assert one["status"]["availableReplicas"] == one["spec"]["replicas"]

    def test_start_what_the_doctor_finds_well(self, house):
        wait_until(lambda: ", 0 broken" in house.inside("web", "./manage.py", "doctor").stdout, "all was well")

    def test_serve_a_task_through_the_service_to_its_last_byte(self, customer):
        task = customer.task()
        status, body = customer.picture(task)
        assert (status, len(body)) == (200, task["outputs"][0]["bytes"])


class TestTheCluster:
    def test_takes_the_ingress_for_the_service(self, house):
        (rule,) = house.cluster.got("ingress", "darkroom")["spec"]["rules"]
        assert rule["http"]["paths"][0]["backend"]["service"] == {"name": "web", "port": {"name": "http"}}

    def test_counts_webs_pods_for_its_disruption_budget(self, house):
        status = house.cluster.got("poddisruptionbudget", "web")["status"]
        assert (status["expectedPods"], status["disruptionsAllowed"]) == (2, 1)

    def test_admits_no_pod_that_is_not_confined(self, house):
        if house.cluster.minor < 23:
            pytest.skip("Kubernetes before 1.23 does not read the namespace's pod-security label")
        done = house.cluster.run("kubectl", "run", "free", f"--image={IMAGE}:1")
        assert "violates PodSecurity" in done.stderr


class TestEachContainer:
    @pytest.mark.parametrize("tier", TIERS)
    def test_is_confined_as_the_manifest_says(self, house, tier):
        assert house.inside(tier, "touch", "/opt/darkroom/mine").returncode != 0
        status = dict(re.findall(r"^(\w+):\s+(.*)$", house.inside(tier, "cat", "/proc/self/status").stdout, re.MULTILINE))
        assert status["Uid"].split() == ["10001"] * 4
        assert (int(status["CapBnd"], 16), status["NoNewPrivs"], status["Seccomp"]) == (0, "1", "2")

    @pytest.mark.parametrize("tier", TIERS)
    def test_is_not_led_by_a_process_of_ours(self, house, tier):
        """The kernel would keep SIGTERM from it for as long as it imports, and it would have to bury others' dead."""
        assert house.inside(tier, "cat", "/proc/1/comm").stdout in ("pause\n", "tini\n")

    @pytest.mark.parametrize("tier", TIERS)
    def test_may_hold_the_memory_that_the_manifest_says(self, house, tier):
        places = "/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory.max"
        limit = house.inside(tier, "sh", "-c", f"cat {' || cat '.join(places)}").stdout
        assert int(limit) == int(CONTAINERS[tier][1]["resources"]["limits"]["memory"].removesuffix("Mi")) * MIB

    def test_is_ended_where_it_takes_more(self, house):
        assert house.inside("notify", "python", "-c", f"bytearray({300 * MIB})").returncode == 137


class TestUnderLoad:
    @pytest.mark.parametrize("command", [REPLACED, KILLED], ids=["replacing web", "killing workers"])
    def test_no_request_fails_and_no_task_is_lost_by(self, house, customer, command):
        customer.loses_nothing_while(lambda: house.cluster.said(*command))

    def test_an_upgrade_fails_no_request_and_loses_no_task(self, house, customer):
        house.edit("kustomization.yaml", 'newTag: "1"', 'newTag: "2"')
        customer.loses_nothing_while(lambda: house.does(UPGRADE))
        images = {container["image"] for pod in house.pods() for container in pod["spec"]["containers"]}
        assert images == {f"{IMAGE}:2"}

    def test_a_node_that_is_emptied_keeps_a_pod_of_web_until_another_serves(self, house, customer):
        drain = ("kubectl", "drain", "node", "--pod-selector=tier=web", "--delete-emptydir-data", "--timeout=20s")
        emptied = []
        customer.loses_nothing_while(lambda: emptied.append(house.cluster.run(*drain)))
        assert "would violate the pod's disruption budget" in emptied[0].stderr
        house.cluster.said("kubectl", "uncordon", "node")
        house.cluster.said("kubectl", "rollout", "status", "deployment/web", "--timeout=2m")
