"""Web, worker, beat and functions as they are deployed, with a bucket for all that is kept."""

from hashlib import sha256

from tasks_app.management.stage import Stage
from tests.upstreams import Cos, answer, cut_before_answer, cut_midway


def test_pictures_and_what_is_made_of_them_lie_in_the_bucket_and_not_on_disk(tmp_path):
    with Cos() as cos, Stage(tmp_path, **cos.variables) as stage:
        client = stage.client(credits=100)
        cos.will(answer(503), cut_before_answer(), cut_before_answer(accepts=False), at="put")
        cards = [client.submit("darkroom/test-card-image", {"prompt": f"card {number}", "size": "256x256"}) for number in range(2)]
        pictures = [f"{card['id']}/0" for card in client.wait([card["id"] for card in cards], within_s=120)]
        cos.will(cut_midway(), at="get")
        stitch = client.submit("darkroom/image-stitch", {"images": pictures})
        (stitched,) = client.wait([stitch["id"]], within_s=120)
        (output,) = stitched["outputs"]
        found = client.download(output, tmp_path / "found.png").read_bytes()
    assert (stitched["status"], output["sha256"]) == ("succeeded", sha256(found).hexdigest())
    tasks = [*[card["id"] for card in cards], stitch["id"]]
    assert {key.removesuffix(".thumbnail") for key in cos.objects} == {f"outputs/{task}/0" for task in tasks}
    assert [path for path in (tmp_path / "storage").rglob("*") if path.is_file()] == []
