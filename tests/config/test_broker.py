"""The embedded broker: wake-ups as files, whole or not at all, one for each worker function."""

import threading
from queue import Empty

import pytest
from kombu import Connection

from config import broker


@pytest.fixture
def channel(tmp_path):
    return open_channel(tmp_path)


def open_channel(folder):
    return Connection("filesystem://", transport="config.broker:Transport", transport_options=broker.options(folder)).channel()


def wake_up(task):
    return {"headers": {"task": task}, "body": "x" * 300}


class TestOneProducerAndOneConsumer:
    def test_a_wake_up_arrives_once(self, channel):
        channel._put("poll", wake_up("poll_due"))
        assert channel._get("poll") == wake_up("poll_due")
        with pytest.raises(Empty):
            channel._get("poll")

    def test_queues_are_apart(self, channel):
        channel._put("poll", wake_up("poll_due"))
        with pytest.raises(Empty):
            channel._get("submit")

    def test_a_second_wake_up_for_the_same_function_takes_the_place_of_the_first(self, channel):
        for _ in range(1000):
            channel._put("poll", wake_up("poll_due"))
        assert channel._size("poll") == 1

    def test_functions_of_one_queue_each_keep_theirs(self, channel):
        channel._put("upkeep", wake_up("clean_up"))
        channel._put("upkeep", wake_up("check_providers"))
        assert {channel._get("upkeep")["headers"]["task"] for _ in range(2)} == {"clean_up", "check_providers"}

    def test_a_wake_up_sent_while_one_is_at_work_is_kept(self, channel):
        channel._put("poll", wake_up("poll_due"))
        channel._get("poll")
        channel._put("poll", wake_up("poll_due"))
        assert channel._size("poll") == 1

    def test_what_waits_is_found_after_a_restart(self, channel, tmp_path):
        channel._put("poll", wake_up("poll_due"))
        assert open_channel(tmp_path)._get("poll") == wake_up("poll_due")

    def test_a_purge_empties_one_queue(self, channel):
        channel._put("poll", wake_up("poll_due"))
        channel._put("store", wake_up("store_due"))
        assert (channel._purge("poll"), channel._size("poll"), channel._size("store")) == (1, 0, 1)


class TestManyAtOnce:
    def test_no_consumer_ever_reads_half_a_wake_up(self, tmp_path):
        done, faults, taken = threading.Event(), [], []

        def consume():
            channel = open_channel(tmp_path)
            while not done.is_set():
                try:
                    taken.append(channel._get("poll"))
                except Empty:
                    continue
                except Exception as fault:  # noqa: BLE001 whatever it is, it would have ended the worker
                    faults.append(fault)

        consumers = [threading.Thread(target=consume) for _ in range(3)]
        for consumer in consumers:
            consumer.start()
        producer = open_channel(tmp_path)
        for _ in range(2000):
            producer._put("poll", wake_up("poll_due"))
        done.set()
        for consumer in consumers:
            consumer.join()
        assert faults == []
        assert taken
        assert all(message == wake_up("poll_due") for message in taken)
