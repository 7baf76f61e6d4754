"""Compose and Kubernetes start the same processes as systemd, within the same limits."""

import re
from pathlib import Path

import pytest
import yaml
from django.conf import settings

from config.env import read_all
from tests.deploy import plan, units
from tests.deploy.web import ROOT

FOLDER = ROOT / "deploy/containers"
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
TIERS = {
    "web": "darkroom-web",
    "stream": "darkroom-stream",
    "beat": "darkroom-beat",
    **{queue: f"darkroom-worker@{queue}" for queue in units.QUEUES},
}
EVERYWHERE = [*TIERS, "functions"]
SERVERS = ("mariadb", "redis")


def manifests():
    folder = FOLDER / "kubernetes"
    files = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]
    return [document for name in files for document in yaml.safe_load_all((folder / name).read_text(encoding="utf-8"))]


PODS = [one["spec"]["template"]["spec"] for one in manifests() if one["kind"] in ("Deployment", "Job")]
CONTAINERS = {container["name"]: (pod, container) for pod in PODS for container in pod["containers"]}


def unit(tier):
    return f"{TIERS.get(tier, 'darkroom-functions')}.service"


class TestCompose:
    @pytest.mark.parametrize("tier", TIERS)
    def test_runs_what_the_unit_runs(self, tier):
        assert SERVICES[tier]["command"] == units.command(unit(tier))

    def test_runs_functions_as_the_unit_does_but_in_its_own_folder_and_by_its_name(self):
        given = dict(pair.split("=") for pair in units.value("darkroom-functions.service", "Environment").split())
        given["FUNCTIONS_DIR"] = "/data/functions"
        same = re.sub(r"\$(\w+)", lambda name: given[name[1]], units.command(unit("functions")))
        assert SERVICES["functions"]["command"] == same.replace("--port", "--host functions --port")

    @pytest.mark.parametrize("tier", EVERYWHERE)
    def test_gives_each_the_units_memory_and_time_to_end(self, tier):
        assert SERVICES[tier]["mem_limit"] == f"{units.memory_mib(unit(tier))}m"
        assert SERVICES[tier]["stop_grace_period"] == f"{units.value(unit(tier), 'TimeoutStopSec')}s"

    @pytest.mark.parametrize("server", SERVERS)
    def test_gives_the_servers_the_plans_memory(self, server):
        assert SERVICES[server]["mem_limit"] == f"{plan.rows()[server].maximum}m"

    @pytest.mark.parametrize("tier", EVERYWHERE)
    def test_confines_each(self, tier):
        service = SERVICES[tier]
        assert (service["read_only"], service["cap_drop"], service["security_opt"]) == (True, ["ALL"], ["no-new-privileges:true"])

    def test_lets_functions_be_reached_by_workers_and_reach_nobody(self):
        assert SERVICES["functions"]["networks"] == ["functions"]
        assert COMPOSE["networks"]["functions"] == {"internal": True}
        assert all("functions" in SERVICES[queue]["networks"] for queue in units.QUEUES)

    def test_shares_no_containers_network(self):
        """Docker gives it up with its owner: after a restart of that one, the others would reach nothing."""
        assert not any("network_mode" in service for service in SERVICES.values())

    def test_builds_one_image(self):
        assert [name for name, service in SERVICES.items() if "build" in service] == ["prepare"]

    def test_keeps_logs_within_bounds(self):
        assert all("max-size" in service["logging"]["options"] for service in SERVICES.values())

    def test_lets_each_be_told_to_end_while_it_starts(self):
        assert all(SERVICES[tier]["init"] for tier in EVERYWHERE)

    def test_gives_functions_no_secret(self):
        assert SERVICES["functions"]["env_file"] == []

    def test_starts_nothing_before_the_database_is_prepared(self):
        for tier in EVERYWHERE:
            assert SERVICES[tier]["depends_on"] == {"prepare": {"condition": "service_completed_successfully"}}

    def test_mounts_what_is_there(self):
        mounted = [
            source.split(":")[0] for service in SERVICES.values() for source in service.get("volumes", ()) if source.startswith("..")
        ]
        assert len(mounted) == 2
        assert all((FOLDER / source).is_file() for source in mounted)


class TestKubernetes:
    def test_has_a_container_for_each_tier_but_the_functions_which_run_on_scf(self):
        assert set(CONTAINERS) == {*TIERS, "prepare"}

    def test_has_the_stream_tier_where_web_can_hand_it_connections(self):
        assert CONTAINERS["stream"][0] is CONTAINERS["web"][0]
        assert all({"name": "data", "mountPath": "/data"} in CONTAINERS[tier][1]["volumeMounts"] for tier in ("web", "stream"))

    @pytest.mark.parametrize("tier", TIERS)
    def test_runs_what_the_unit_runs(self, tier):
        assert CONTAINERS[tier][1]["command"] == units.command(unit(tier)).split()

    @pytest.mark.parametrize("tier", TIERS)
    def test_gives_each_the_units_memory_and_time_to_end(self, tier):
        pod, container = CONTAINERS[tier]
        assert container["resources"]["limits"]["memory"] == f"{units.memory_mib(unit(tier))}Mi"
        assert pod["terminationGracePeriodSeconds"] >= int(units.value(unit(tier), "TimeoutStopSec"))

    @pytest.mark.parametrize("tier", TIERS)
    def test_asks_for_the_memory_that_the_plan_expects(self, tier):
        expected = plan.rows()[unit(tier).removesuffix(".service")].expected
        assert CONTAINERS[tier][1]["resources"]["requests"]["memory"] == f"{expected}Mi"

    @pytest.mark.parametrize("name", CONTAINERS)
    def test_confines_each_as_the_namespace_demands(self, name):
        pod, container = CONTAINERS[name]
        confined = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
        assert container["securityContext"] == confined
        assert (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["seccompProfile"]) == (True, {"type": "RuntimeDefault"})
        assert all(set(volume) == {"name", "emptyDir"} for volume in pod["volumes"])

    @pytest.mark.parametrize("name", CONTAINERS)
    def test_lets_each_be_told_to_end_while_it_starts(self, name):
        assert CONTAINERS[name][0]["shareProcessNamespace"]

    def test_has_an_environment_that_production_starts_with(self):
        config = next(one["data"] for one in manifests() if one["kind"] == "ConfigMap")
        secret = yaml.safe_load((FOLDER / "kubernetes/secret.example.yaml").read_text(encoding="utf-8"))["stringData"]
        filled = {
            **dict.fromkeys(secret, "x"),
            "SECRET_KEY": "k" * 50,
            "SEALING_KEYS": "A" * 43 + "=",
            "DATABASE_URL": "mysql://u:p@db/n",
            "REDIS_URL": "redis://r:6379/0",
        }
        assert read_all(config | filled)["STORAGE"] == "cos"

    def test_its_service_finds_the_web_tier(self):
        kinds = {one["kind"]: one for one in manifests() if one["metadata"]["name"] == "web"}
        labels = kinds["Deployment"]["spec"]["template"]["metadata"]["labels"]
        assert kinds["Service"]["spec"]["selector"] == labels == kinds["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"]


class TestSecrets:
    """What an operator is told to fill in beside these files."""

    FILLED_IN = ("deploy/containers/darkroom.env", "deploy/containers/kubernetes/secret.yaml")

    def test_are_kept_out_of_the_repository(self):
        assert set(self.FILLED_IN) <= set((ROOT / ".gitignore").read_text(encoding="utf-8").splitlines())

    def test_are_kept_out_of_image_and_release(self):
        assert (FOLDER / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()[-1] == "deploy/containers"
        assert "--exclude=deploy/containers " in (ROOT / "deploy/upgrade").read_text(encoding="utf-8")


class TestTheImage:
    def test_holds_all_that_a_release_holds(self):
        kept = {line[1:] for line in (FOLDER / "Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")}
        release = re.search(r'^CODE="(.*)"$', (ROOT / "deploy/upgrade").read_text(), re.M)[1].split()
        assert kept == set(release) - {"docs"}
        assert all(Path(ROOT / name).exists() for name in kept)
        assert {path.name for path in settings.LOCALE_PATHS} <= kept  # or the admin speaks English alone there
