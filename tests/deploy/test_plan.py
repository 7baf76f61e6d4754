"""The memory plan adds up, and is what units and servers are set to."""

import re

import pytest

from tests.deploy import plan, units
from tests.deploy.servers import PlannedMariaDB, PlannedRedis
from tests.deploy.web import ROOT

MACHINE, FOR_THE_CACHE = 4096, 1024
BURSTS = ("darkroom-worker@store", "darkroom-functions")  # they share darkroom-media.slice
ROWS = plan.rows()
MIB = 1024 * 1024


class TestTheSums:
    def test_of_what_is_expected_leaves_a_gigabyte_and_more(self):
        assert sum(row.expected for row in ROWS.values()) + FOR_THE_CACHE <= MACHINE

    def test_of_every_maximum_leaves_a_gigabyte_too(self):
        alone = sum(row.maximum for name, row in ROWS.items() if name not in BURSTS)
        assert alone + units.memory_mib("darkroom-media.slice") + FOR_THE_CACHE <= MACHINE

    def test_stand_below_the_table(self):
        said = re.search(r"Expected: ([\d,]+) MB; every maximum at once: ([\d,]+) MB", plan.TEXT)
        alone = sum(row.maximum for name, row in ROWS.items() if name not in BURSTS)
        sums = (sum(row.expected for row in ROWS.values()), alone + units.memory_mib("darkroom-media.slice"))
        assert tuple(int(figure.replace(",", "")) for figure in said.groups()) == sums

    def test_no_process_is_expected_to_reach_its_maximum(self):
        assert all(row.expected <= row.maximum * 0.95 for row in ROWS.values())


class TestTheUnits:
    @pytest.mark.parametrize("name", units.SERVING)
    def test_have_the_plans_maximum(self, name):
        assert units.memory_mib(f"{name}.service") == ROWS[name].maximum

    @pytest.mark.parametrize("name", BURSTS)
    def test_that_work_in_bursts_share_one_slice(self, name):
        assert units.value(f"{name}.service", "Slice") == "darkroom-media.slice"

    def test_a_worker_retires_before_its_unit_is_full(self):
        limits = dict(re.findall(r"keep (\w+_MEMORY_LIMIT_MB) (\d+)", (ROOT / "deploy/install").read_text(encoding="utf-8")))
        for queue in units.QUEUES:
            assert int(limits["WORKER_MEMORY_LIMIT_MB"]) * 1_000_000 < ROWS[f"darkroom-worker@{queue}"].maximum * MIB
        # The parent's pages, some 60 MB, are in each worker's figure too.
        assert (int(limits["WEB_MEMORY_LIMIT_MB"]) - 60) * 3 + 60 < ROWS["darkroom-web"].maximum


class TestTheServers:
    def test_mariadb_with_our_settings_starts_and_its_caches_fit_the_plan(self):
        names = ("innodb_buffer_pool_size", "innodb_log_buffer_size", "key_buffer_size", "aria_pagecache_buffer_size")
        with PlannedMariaDB() as server:
            sizes = [int(server.run(f"SELECT @@GLOBAL.{name}")) for name in names]
            assert server.run("SELECT @@GLOBAL.innodb_flush_log_at_trx_commit, @@GLOBAL.max_connections") == "1\t86\n"
        assert sizes[0] == 448 * MIB
        assert sum(sizes) < ROWS["mariadb"].expected * MIB < ROWS["mariadb"].maximum * MIB

    def test_redis_with_our_settings_starts_and_is_bounded_below_the_plan(self):
        most = int(re.search(r"^maxmemory (\d+)mb$", (ROOT / "deploy/redis/darkroom.conf").read_text(), re.M)[1])
        with PlannedRedis():
            assert most * 1.25 < ROWS["redis"].maximum
