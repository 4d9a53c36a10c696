"""Faces in a program without ROS and without this package: JSON over a WebSocket.

    ./imusic demo --stream ws://                 # beside it; docs/streams.md says what is sent
    python examples/web_client.py [ws://127.0.0.1:8765]

Needs aiohttp only. Any language with a WebSocket does the same.
"""

import asyncio
import sys
from contextlib import suppress

import aiohttp


async def main(url: str) -> None:
    """Print a smile and an open jaw of each face until the other side ends."""
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        async for message in socket:
            face = message.json()
            if face.get("type") == "face":  # others may come: a greeting, what later versions add
                smile, jaw = (face["weights"][name] for name in ("mouthSmileLeft", "jawOpen"))
                print(f"{face['state']}: smile {smile:.2f}, jaw {jaw:.2f}", flush=True)


if __name__ == "__main__":
    url = sys.argv[1] if len(sys.argv) > 1 else "ws://127.0.0.1:8765"
    try:
        with suppress(KeyboardInterrupt, BrokenPipeError):
            asyncio.run(main(url))
    except aiohttp.ClientError as error:
        sys.exit(f"expected faces at {url}, found {error}; start ./imusic demo --stream ws://")
