"""The models that Darkroom brings along, served by its own functions through the provider `functions`. Installed as vendors' are, with
credentials that say where the functions run.
"""

import json
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from . import installation
from .offers import Offer, OfferedModel

FUNCTIONS = Path(__file__).resolve().parent.parent / "scf_client" / "functions"
PROVIDER = "functions"
# Enough to keep the functions busy between two polls; what is beyond waits with us, where it has a place in the queue.
MAX_JOBS = 16


def install() -> list[str]:
    """Install them, where the environment says that functions run; returns a line on each thing done. Raises installation.CannotInstall."""
    offer = Offer(
        provider=PROVIDER,
        adapter="scf",
        base_url=settings.FUNCTIONS_URL,
        where=f"on SCF in {settings.SCF_REGION}" if settings.FUNCTIONS == "scf" else "",
        credentials=where_functions_run(),
        max_jobs=MAX_JOBS,
        models=MODELS,
    )
    return installation.install(offer, now=timezone.now())


def where_functions_run() -> dict[str, str]:
    """The credentials by which the adapter `scf` finds our functions; none for the local runtime."""
    return {} if settings.FUNCTIONS == "local" else {"where": "cloud"} | cloud_account()


def cloud_account() -> dict[str, str]:
    """What scf_client.account reads of the environment, chosen or not: functions are deployed before they are."""
    names = ("SCF_REGION", "SCF_NAMESPACE", "SCF_SECRET_ID", "SCF_SECRET_KEY", "SCF_ENDPOINT")
    bucket = ("COS_BUCKET", "COS_REGION", "COS_SECRET_ID", "COS_SECRET_KEY", "COS_TOKEN", "COS_ENDPOINT")
    return {name.lower(): getattr(settings, name) for name in (*names, *bucket)}


def _model(*, function: str, schema: str, **columns) -> OfferedModel:
    """`schema` is a file in the folder of the function that serves the model."""
    described = json.loads((FUNCTIONS / function / schema).read_text(encoding="utf-8"))
    return OfferedModel(upstream_model=function, input_schema=described, price_source="ours: nothing is bought", **columns)


MODELS = (
    _model(
        name="darkroom/test-card-image",
        kind="image.generate",
        title="Test card, picture",
        title_zh="测试卡（图片）",
        description="Draws the prompt, the size and the seed over a pattern; needs no key and costs nothing upstream.",
        description_zh="在图案上写出提示词、尺寸和种子；无需密钥，也不产生上游费用。",
        function="test_card",
        schema="schema_image.json",
        price="n",
        outputs="n",
        typical_seconds=3,
        deadline_seconds=600,
    ),
    _model(
        name="darkroom/test-card-video",
        kind="video.generate",
        title="Test card, video",
        title_zh="测试卡（视频）",
        description="Draws the prompt, the seed and a timecode over a moving pattern; needs no key and costs nothing upstream.",
        description_zh="在动态图案上写出提示词、种子和时间码；无需密钥，也不产生上游费用。",
        function="test_card",
        schema="schema_video.json",
        price="2 * duration",
        outputs="1",
        typical_seconds=15,
        deadline_seconds=1800,
    ),
    _model(
        name="darkroom/image-stitch",
        kind="image.stitch",
        title="Stitch pictures",
        title_zh="图片拼接",
        description="Joins up to 100 pictures to a row, a grid, a long picture or a collage, with captions and a watermark.",
        description_zh="把最多 100 张图片拼成横排、网格、长图或拼贴，可加说明文字和水印。",
        function="image_stitch",
        schema="schema.json",
        price="1",
        outputs="1",
        typical_seconds=5,
        deadline_seconds=600,
    ),
    _model(
        name="darkroom/video-compose",
        kind="video.compose",
        title="Compose a video",
        title_zh="视频合成",
        description="Joins pictures and videos to one video, with transitions, motion, music, voice and subtitles.",
        description_zh="把图片和视频合成为一个视频，可加转场、运镜、音乐、配音和字幕。",
        function="video_compose",
        schema="schema.json",
        price="0 if only_plan else 5",
        outputs='2 if cover == "output" and not only_plan else 1',
        typical_seconds=60,
        deadline_seconds=3600,
    ),
    _model(
        name="darkroom/text-process",
        kind="text.process",
        title="Process text",
        title_zh="文本处理",
        description="Tidies a script, splits it into shots, makes prompts and timed subtitles of it, screens and counts.",
        description_zh="整理文稿、拆分镜头，生成提示词和带时间的字幕，检查敏感词并统计字数。",
        function="text_process",
        schema="schema.json",
        price="0",
        outputs="len(operations)",
        typical_seconds=2,
        deadline_seconds=300,
    ),
)
