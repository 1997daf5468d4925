"""Adapters that put the memory of context-manager into agent frameworks. Each is a module of its own, which needs its
framework: ``context_manager_adapters.langgraph``, ``.openai_agents``, ``.llama_index``, ``.anthropic_memory``."""

__version__ = "0.1.0"
