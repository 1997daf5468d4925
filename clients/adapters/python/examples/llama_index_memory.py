"""A memory that recalls what has left the chat history, over a server at MEMORY_URL (context-manager://key:secret@host:port)."""

import asyncio
import os

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.memory import Memory

from context_manager_adapters.llama_index import ContextManagerMemoryBlock


async def main() -> None:
    block = ContextManagerMemoryBlock(os.environ["MEMORY_URL"], token_limit=200)
    memory = Memory.from_defaults(
        session_id="trip-42", token_limit=400, token_flush_size=50, chat_history_token_ratio=0.5, memory_blocks=[block]
    )
    await memory.aput(ChatMessage(role="user", content="I am allergic to peanuts"))
    for number in range(40):
        await memory.aput(ChatMessage(role="user", content=f"Question {number} about the weather of the week"))
    # What an agent with memory=memory sends to its model.
    for message in await memory.aget(input="Am I allergic to peanuts?"):
        print(message.role.value, message.content)
    await block.aclose()


asyncio.run(main())
