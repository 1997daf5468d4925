"""Claude's memory tool over a server at MEMORY_URL (context-manager://key:secret@host:port).

With ANTHROPIC_API_KEY the model writes the notes; without it the example does what a model would ask for.
"""

import os

from anthropic import Anthropic

from context_manager_adapters.anthropic_memory import ContextManagerMemoryTool

tool = ContextManagerMemoryTool(os.environ["MEMORY_URL"])
if "ANTHROPIC_API_KEY" in os.environ:
    runner = Anthropic().beta.messages.tool_runner(
        model=os.environ.get("ANTHROPIC_MODEL", "claude-sonnet-4-5"),
        max_tokens=1_024,
        betas=["context-management-2025-06-27"],
        messages=[{"role": "user", "content": "Remember that I prefer morning flights."}],
        tools=[tool],
    )
    print(runner.until_done().content)
else:
    tool.call({"command": "create", "path": "/memories/mara.md", "file_text": "prefers morning flights\n"})
print(tool.call({"command": "view", "path": "/memories"}))
tool.close()
