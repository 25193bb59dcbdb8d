"""The policy runs in the operator's image, which holds no numpy: it imports only the standard library."""

import subprocess
import sys

FORBIDDEN = {"numpy", "pydantic", "nats", "boto3", "aiohttp", "kopf", "numba", "yaml", "rich", "typer"}


def test_scaling_imports_only_the_standard_library():
    program = (
        "import sys, importlib, pkgutil, cygnet.scaling as s;"
        "[importlib.import_module(f'cygnet.scaling.{m.name}') for m in pkgutil.iter_modules(s.__path__)];"
        "foreign = {n.split('.')[0] for n in sys.modules} - set(sys.stdlib_module_names);"
        "print(*sorted(m for m in sys.modules if m.startswith('cygnet.') and 'scaling' not in m));"
        f"print(*sorted(foreign & {FORBIDDEN!r}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
