"""What a function's image holds, and what it is called."""

import ast
import re
import sys

import pytest

from scf_client import pack
from tests.scf_client.function import Function

# What comes along with a package, or is called otherwise than it.
BROUGHT_BY = {
    "qcloud_cos": "cos-python-sdk-v5",
    "requests": "cos-python-sdk-v5",
    "urllib3": "cos-python-sdk-v5",
    "imageio_ffmpeg": "imageio-ffmpeg",
    "pylopdf_fonts_zh_cn": "pylopdf-fonts-zh-cn",
}


def imported() -> set[str]:
    """The packages of others that any function imports."""
    found = set()
    for path in pack.FUNCTIONS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names)


class TestAnImage:
    def test_has_every_package_that_a_function_imports_in_the_version_of_requirements_txt(self, tmp_path):
        pack.stage("test_card", tmp_path)
        lines = (tmp_path / "requirements.txt").read_text().splitlines()
        assert {BROUGHT_BY.get(name, name) for name in imported()} <= {line.partition("==")[0] for line in lines}
        assert set(lines) <= set(pack.REQUIREMENTS.read_text().splitlines())

    @pytest.mark.parametrize("name", pack.names())
    def test_holds_one_function_and_the_common_library_and_they_start_alone(self, name, tmp_path):
        home = tmp_path / "home"
        pack.stage(name, home)
        folders = {path.name for path in (home / "scf_client/functions").iterdir() if path.is_dir()}
        assert folders == {"common", name}
        assert not list(home.rglob("__pycache__"))
        function = Function(name, tmp_path, home=home)
        status, envelope = function.post(b'{"kind": "none"}')
        function.end()
        assert (status, envelope["error"]["code"]) == (200, "invalid_input")

    def test_starts_as_the_platform_wants_it(self, tmp_path):
        pack.stage("image_stitch", tmp_path)
        (started,) = re.findall(r"(?m)^CMD (\[.*\])$", (tmp_path / "Dockerfile").read_text())
        assert ast.literal_eval(started) == [
            *["python", "-m", "scf_client.functions.image_stitch", "--log-format", "json"],
            *["--host", "0.0.0.0", "--port", "9000"],
        ]

    def test_is_staged_afresh(self, tmp_path):
        (tmp_path / "old").write_text("secret")
        pack.stage("image_stitch", tmp_path)
        assert not (tmp_path / "old").exists()


class TestItsName:
    def test_is_the_same_for_the_same_source_and_differs_by_function(self):
        names = [pack.image(name, "registry.example/darkroom") for name in [*pack.names(), *pack.names()]]
        assert len(set(names)) == len(pack.names())
        assert all(re.fullmatch(r"registry\.example/darkroom/[a-z_]+:[0-9a-f]{12}", name) for name in names)

    def test_is_that_which_is_built_and_pushed(self, tmp_path):
        name = pack.image("test_card", "registry.example/darkroom")
        build, push = pack.build_commands("test_card", "registry.example/darkroom", tmp_path)
        assert build == ["docker", "build", "--platform", "linux/amd64", "--tag", name, str(tmp_path)]
        assert push == ["docker", "push", name]
