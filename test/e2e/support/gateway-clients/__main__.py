"""Drives the official clients of OpenAI and Anthropic against a gateway whose model follows `gateway-python.test.ts`.

    python gateway-clients <origin> <token>

Needs the packages openai and anthropic. Prints a JSON line for each case: {"case": ..., "error": null or a traceback}.
The name of the model says what it is to answer.
"""

import json
import traceback

import chat_cases  # noqa: F401
import messages_cases  # noqa: F401
import responses_cases  # noqa: F401
from cases import CASES

for run in CASES:
    error = None
    try:
        run()
    except Exception:
        error = traceback.format_exc()
    print(json.dumps({"case": run.__name__, "error": error}), flush=True)
