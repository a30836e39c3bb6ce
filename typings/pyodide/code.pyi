# What the tests of the Worker use of Pyodide, which exists in its runtime only.
from collections.abc import Mapping

async def eval_code_async(source: str, globals: Mapping[str, object]) -> object: ...
