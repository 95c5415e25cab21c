"""A node's supervisor in a process of its own, to be killed."""

import asyncio
import sys
from pathlib import Path

import httpx2

sys.path.insert(0, str(Path(__file__).parent))

import tests_node

from ouranos.engine.node import node
from ouranos.kit import cluster, log, seams


async def main(root: str, folder: str, url: str, number: str) -> None:
    log.configure("info")
    told = tests_node.node_config(Path(folder), int(number))
    headers = {"Authorization": f"Bearer {tests_node.TOKEN}"}
    async with httpx2.AsyncClient(base_url=url, headers=headers) as http:
        client = cluster.Cluster(http, manager="node")
        images = tests_node.Images(Path(root))
        await node.Node(told, client, images, seams.real()).run()


asyncio.run(main(*sys.argv[1:]))
