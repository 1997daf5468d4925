"""A conversation that goes on in another process, over a server at MEMORY_URL (context-manager://key:secret@host:port).

With OPENAI_API_KEY the agent answers; without it the example shows what the session keeps.
"""

import asyncio
import os

from agents import Agent, Runner

from context_manager_adapters.openai_agents import ContextManagerSession


async def main() -> None:
    agent = Agent(name="travel", instructions="Answer in one sentence.")
    async with ContextManagerSession("trip-42", os.environ["MEMORY_URL"]) as session:
        question = "My name is Mara, and I prefer morning flights."
        if "OPENAI_API_KEY" in os.environ:
            print((await Runner.run(agent, question, session=session)).final_output)
            print((await Runner.run(agent, "Which flights do I prefer?", session=session)).final_output)
        else:
            await session.add_items([{"role": "user", "content": question}])
        for item in await session.get_items(limit=10):
            print(item)


asyncio.run(main())
