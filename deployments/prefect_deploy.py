"""`python -m deployments.prefect_deploy`: pool, queues and deployments on the server at PREFECT_API_URL. Safe to repeat."""

import asyncio
import subprocess
import sys
from contextlib import suppress

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectAlreadyExists

from deployments.prefect_local import FILE, POOL, QUEUES


async def queues() -> None:
    """Leave our pool and its queues behind."""
    async with get_client() as client:
        with suppress(ObjectAlreadyExists):
            about = "Gatehouse's flows, as processes of this machine."
            await client.create_work_pool(WorkPoolCreate(name=POOL, type="process", description=about))
        there = {queue.name: queue for queue in await client.read_work_queues(work_pool_name=POOL)}
        for priority, (name, limit) in enumerate(QUEUES.items(), 1):
            if name not in there:
                await client.create_work_queue(name=name, work_pool_name=POOL, concurrency_limit=limit, priority=priority)
            elif there[name].concurrency_limit != limit:
                await client.update_work_queue(there[name].id, concurrency_limit=limit)


def main() -> int:
    """Return the exit code of `prefect deploy`."""
    asyncio.run(queues())
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(FILE)]
    return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode  # noqa: S603 - our own interpreter and module


if __name__ == "__main__":
    sys.exit(main())
