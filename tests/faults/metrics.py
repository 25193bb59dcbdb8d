"""What a service says of itself on /metrics and /readyz, as Prometheus and a probe read it."""

import aiohttp
from prometheus_client.parser import text_string_to_metric_families
from tests.faults.service import Service

_TIMEOUT = aiohttp.ClientTimeout(total=5)


async def metric(service: Service, name: str) -> float:
    """Return a metric's value, summed over its labels; 0 from a service that does not run."""
    if not service.is_ready:
        return 0.0
    url = f"http://{service.address_file.read_text()}/metrics"
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session, session.get(url) as answer:
        families = text_string_to_metric_families(await answer.text())
    return sum(sample.value for family in families for sample in family.samples if sample.name == name)


async def unready(service: Service) -> dict[str, str]:
    """Return what a service is not ready for, and why; nothing of one that does not run."""
    if not service.is_ready:
        return {}
    url = f"http://{service.address_file.read_text()}/readyz"
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session, session.get(url) as answer:
        problems: dict[str, str] = (await answer.json())["problems"]
        return problems
