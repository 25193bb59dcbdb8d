"""What a service exports on /metrics, as Prometheus reads it."""

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
