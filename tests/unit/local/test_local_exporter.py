import asyncio
import json
import stat
import urllib.request

from cygnet.local.exporter import TARGETS, Exporter, targets
from cygnet.local.plan import Slot

WORKER = Slot("lime", "preprocessor", 1)


def listed(folder):
    return [target for group in json.loads((folder / TARGETS).read_text()) for target in group["targets"]]


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


def test_a_service_has_the_labels_that_it_would_have_on_a_cluster():
    found = targets("127.0.0.1:1", {Slot("lime", "simulator", 0): "127.0.0.1:2"}, {"lime": "beam"})
    assert found[0]["labels"]["component"] == "operator"
    assert found[1] == {
        "targets": ["127.0.0.1:2"],
        "labels": {
            "namespace": "beam",
            "pipeline": "lime",
            "component": "source",
            "pod": "lime-simulator-0",
        },
    }


async def test_workers_that_come_and_go_are_in_the_file_and_nothing_is_after_the_end(tmp_path):
    addresses = {}
    async with Exporter(tmp_path, {"lime": "local"}) as exporter:
        following = asyncio.create_task(exporter.follow(lambda: addresses))
        await until((tmp_path / TARGETS).exists)
        assert listed(tmp_path) == [exporter.address]
        addresses[WORKER] = "127.0.0.1:9"
        await until(lambda: "127.0.0.1:9" in listed(tmp_path))
        del addresses[WORKER]
        await until(lambda: "127.0.0.1:9" not in listed(tmp_path))
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    assert listed(tmp_path) == []


async def test_prometheus_may_run_as_another_user(tmp_path):
    async with Exporter(tmp_path, {}):
        pass
    assert stat.S_IMODE((tmp_path / TARGETS).stat().st_mode) == 0o644


async def test_up_serves_the_metrics_of_its_pipelines(tmp_path):
    async with Exporter(tmp_path, {}) as exporter:
        url = f"http://{exporter.address}/metrics"
        body = await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=5).read().decode())
    assert "# TYPE cygnet_pipeline_desired_replicas gauge" in body
