"""The environment: read once, checked at start."""

import os
import subprocess
import sys
from typing import ClassVar

import pytest

from config.env import DECLARED, ROOT, WrongEnvironment, from_file, read_all

SECRETS = {"SECRET_KEY": "x" * 50, "SEALING_KEYS": "A" * 43 + "=", "ALLOWED_HOSTS": "example.org", "PUBLIC_URL": "https://example.org"}


class TestNothingIsSet:
    def test_every_variable_has_a_value_that_runs_from_a_bare_clone(self):
        values = read_all({})
        assert set(values) == {var.name for var in DECLARED}
        assert values["DATABASE_URL"] == "sqlite:///var/darkroom.sqlite3"
        assert values["STORAGE_DIR"] == ROOT / "var/storage"


class TestAVariableIsWrong:
    @pytest.mark.parametrize(
        ("name", "given", "needs"),
        [
            ("WEB_WORKERS", "three", "a whole number, 1 or more"),
            ("WEB_WORKERS", "0", "a whole number, 1 or more"),
            ("WEB_WORKERS", "-1", "a whole number, 1 or more"),
            ("WEB_WORKERS", "٣", "a whole number, 1 or more"),
            ("DIRECT_UPLOAD_LIMIT_MB", "0", "a whole number from 1 to 5000"),
            ("DIRECT_UPLOAD_LIMIT_MB", "5001", "a whole number from 1 to 5000"),
            ("TASK_KEEP_DAYS", "1.5", "a whole number, 0 or more"),
            ("DARKROOM_ENV", "prod", "one of development, production"),
            ("DATABASE_URL", "postgres://db/x", "a URL that starts with mysql:// or sqlite://"),
            ("DATABASE_URL", "", "a URL that starts with mysql:// or sqlite://"),
            ("WEB_BIND", "8000", "host:port or unix:/path"),
        ],
    )
    def test_the_process_stops_with_its_name_what_was_found_and_what_would_be_right(self, name, given, needs):
        with pytest.raises(WrongEnvironment) as stopped:
            read_all({name: given})
        assert f"{name}: found {given!r}, needs {needs}." in str(stopped.value)

    def test_all_that_is_wrong_is_said_at_once(self):
        with pytest.raises(WrongEnvironment) as stopped:
            read_all({"WEB_WORKERS": "x", "LOG_FORMAT": "xml"})
        assert "WEB_WORKERS" in str(stopped.value)
        assert "LOG_FORMAT" in str(stopped.value)

    def test_a_secret_is_never_printed(self):
        with pytest.raises(WrongEnvironment) as stopped:
            read_all({"SEALING_KEYS": "hunter2", "SECRET_KEY": "hunter2"})
        assert "hunter2" not in str(stopped.value)
        assert "SEALING_KEYS: found a value, needs Fernet keys" in str(stopped.value)

    def test_a_real_process_exits_with_the_text_and_no_traceback(self):
        done = subprocess.run(
            [sys.executable, "manage.py", "check"],
            cwd=ROOT,
            env={**os.environ, "WEB_THREADS": "many"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert done.stderr.startswith("The environment is wrong:\n  WEB_THREADS: found 'many'")
        assert "Traceback" not in done.stderr


class TestProduction:
    def test_it_refuses_to_start_without_each_of_its_secrets(self):
        with pytest.raises(WrongEnvironment) as stopped:
            read_all({"DARKROOM_ENV": "production"})
        for name in SECRETS:
            assert f"{name}: found" in str(stopped.value)

    def test_it_starts_with_them(self):
        values = read_all({"DARKROOM_ENV": "production", **SECRETS})
        assert values["ALLOWED_HOSTS"] == ["example.org"]


BUCKET = {
    "STORAGE": "cos",
    "COS_BUCKET": "darkroom-1250000000",
    "COS_REGION": "ap-guangzhou",
    "COS_SECRET_ID": "AKIDx",
    "COS_SECRET_KEY": "hunter2",
}


class TestFunctionsInTheCloudAreChosen:
    CLOUD: ClassVar = {"FUNCTIONS": "scf", "SCF_REGION": "ap-guangzhou", "SCF_SECRET_ID": "AKIDx", "SCF_SECRET_KEY": "hunter2"}

    def test_it_starts_with_all_that_they_need(self):
        values = read_all(self.CLOUD)
        assert (values["FUNCTIONS"], values["SCF_NAMESPACE"], values["SCF_INSTANCES"]) == ("scf", "default", 8)

    @pytest.mark.parametrize("name", ["SCF_REGION", "SCF_SECRET_ID", "SCF_SECRET_KEY"])
    def test_it_refuses_to_start_without_one_of_them(self, name):
        with pytest.raises(WrongEnvironment) as stopped:
            read_all({**self.CLOUD, name: ""})
        assert f"{name}: found '', needs to be set where FUNCTIONS=scf." in str(stopped.value)

    @pytest.mark.parametrize(
        ("name", "given"),
        [("SCF_REGION", "Guangzhou"), ("SCF_REGISTRY", "darkroom"), ("SCF_REGISTRY", "https://a/b"), ("SCF_REGISTRY_ID", "7")],
    )
    def test_what_cannot_be_is_said_at_start(self, name, given):
        with pytest.raises(WrongEnvironment, match=f"{name}: found"):
            read_all({**self.CLOUD, name: given})


class TestABucketIsChosen:
    def test_it_starts_with_all_that_a_bucket_needs(self):
        values = read_all(BUCKET)
        assert (values["STORAGE"], values["COS_BUCKET"], values["CONTENT"]) == ("cos", "darkroom-1250000000", "proxy")

    @pytest.mark.parametrize("name", [name for name in BUCKET if name != "STORAGE"])
    @pytest.mark.parametrize("value", [None, ""])
    def test_it_refuses_to_start_without_one_of_them(self, name, value):
        given = {**BUCKET, name: value}
        with pytest.raises(WrongEnvironment) as stopped:
            read_all({name: value for name, value in given.items() if value is not None})
        assert f"{name}: found '', needs to be set where STORAGE=cos." in str(stopped.value)

    @pytest.mark.parametrize(
        ("name", "given", "needs"),
        [
            ("COS_BUCKET", "darkroom", "a bucket's name with its APPID, as in darkroom-1250000000"),
            ("COS_REGION", "https://cos.ap-guangzhou.myqcloud.com", "a region, as in ap-guangzhou"),
            ("COS_ENDPOINT", "127.0.0.1:8905", "a URL that starts with http:// or https://"),
            ("COS_DOMAIN", "https://cdn.example.org", "a host name"),
            ("CONTENT", "link", "one of proxy, redirect"),
        ],
    )
    def test_what_cannot_be_is_said_at_start(self, name, given, needs):
        with pytest.raises(WrongEnvironment) as stopped:
            read_all({**BUCKET, name: given})
        assert f"{name}: found {given!r}, needs {needs}." in str(stopped.value)

    @pytest.mark.parametrize("name", ["COS_SECRET_ID", "COS_SECRET_KEY", "COS_TOKEN"])
    def test_a_key_with_spaces_is_refused_and_not_printed(self, name):
        with pytest.raises(WrongEnvironment) as stopped:
            read_all({**BUCKET, name: "hunter2 "})
        assert f"{name}: found a value, needs text without spaces." in str(stopped.value)
        assert "hunter2" not in str(stopped.value)

    def test_on_disk_none_of_it_is_needed(self):
        assert read_all({"STORAGE": "disk"})["COS_BUCKET"] == ""


class TestValuesOfMoreThanOneWord:
    def test_lists_are_separated_by_commas_and_blanks_are_dropped(self):
        assert read_all({"ALLOWED_HOSTS": " a.org, ,b.org "})["ALLOWED_HOSTS"] == ["a.org", "b.org"]

    def test_a_folder_is_taken_from_the_root_unless_it_is_absolute(self, tmp_path):
        values = read_all({"STORAGE_DIR": "var/here", "FUNCTIONS_DIR": str(tmp_path)})
        assert (values["STORAGE_DIR"], values["FUNCTIONS_DIR"]) == (ROOT / "var/here", tmp_path)

    def test_no_redis_is_said_by_an_empty_value(self):
        assert read_all({"REDIS_URL": ""})["REDIS_URL"] == ""


class TestTheEnvFile:
    def test_comments_blank_lines_and_quotes_are_understood(self, tmp_path):
        file = tmp_path / ".env"
        file.write_text('# a comment\n\nWEB_WORKERS=5\nPUBLIC_URL="https://a.org/?x=1"\n#WEB_THREADS=9\n')
        assert from_file(file) == {"WEB_WORKERS": "5", "PUBLIC_URL": "https://a.org/?x=1"}

    def test_a_missing_file_sets_nothing(self, tmp_path):
        assert from_file(tmp_path / ".env") == {}
