"""Web, worker and beat as they are deployed, with SCF for all that our functions do and a bucket for all that is kept."""

import subprocess
import sys
from hashlib import sha256

from tasks_app.management import story
from tasks_app.management.stage import ROOT, Stage
from tests.scf_client import cloud
from tests.upstreams import answer, cut_before_answer, fail, twice

ALL = ("image_stitch", "test_card", "text_process", "video_compose")


def test_the_demos_pictures_text_and_film_are_made_there_and_lie_in_the_bucket(tmp_path):
    with cloud.sky() as sky:
        more = {"EGRESS_ALLOW": f"127.0.0.1:{sky.cos.port}", "SCF_ROLE": "darkroom-function", "SCF_REGISTRY": "registry.example/darkroom"}
        stage = Stage(tmp_path, **sky.cos.variables, **sky.scf.variables, **more)
        deploy = [sys.executable, "manage.py", "functions", "deploy", "--every", "0"]
        subprocess.run(deploy, cwd=ROOT, env=stage.environment, check=True, stdout=subprocess.DEVNULL)
        with stage:
            client = stage.client(credits=100)
            # A run that nobody was told of, one delivered twice, one that found no room, one refused: no task must notice.
            sky.scf.will(cut_before_answer(), twice(), fail("432"), answer(429), at="Invoke")
            tasks = story.tell(client, lambda title, ids: client.wait(ids, within_s=180))
            found = [client.download(task["outputs"][0], tmp_path / task["id"]).read_bytes() for task in tasks]
        log = stage.log.read_text()
    assert [task["status"] for task in tasks] == ["succeeded"] * len(tasks), log[-3000:]
    assert [sha256(content).hexdigest() for content in found] == [task["outputs"][0]["sha256"] for task in tasks]
    kept = {key.removesuffix(".thumbnail") for key in sky.cos.objects if key.startswith("outputs/")}
    assert kept == {f"outputs/{task['id']}/{place}" for task in tasks for place in range(len(task["outputs"]))}
    assert {one.function for one in sky.scf.executions.values()} == {f"darkroom-{name.replace('_', '-')}" for name in ALL}
    assert [path for path in (tmp_path / "storage").rglob("*") if path.is_file()] == []
    assert not (tmp_path / "functions").exists()
    secrets = (sky.scf.SECRET_KEY, sky.cos.SECRET_KEY, sky.scf.role.secret_key, sky.scf.role.token)
    assert not [secret for secret in secrets if secret in log]
