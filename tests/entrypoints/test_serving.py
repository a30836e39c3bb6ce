"""What serve listens on."""

import asyncio
import socket

from editqueue.entrypoints.commands.serving import listening


async def test_an_answer_does_not_wait_for_the_client_to_acknowledge_its_first_half() -> None:
    found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def look(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    with listening("127.0.0.1", 0) as listener:
        async with await asyncio.start_server(look, sock=listener) as server:
            await server.start_serving()
            _, writer = await asyncio.open_connection(*listener.getsockname())
            nodelay = await found
            writer.close()
            await writer.wait_closed()

    assert nodelay
