"""The operator's image holds no arrays: it has to start without them."""

import subprocess
import sys

BLOCKED = ("numpy", "boto3", "obstore", "pyarrow", "numba", "blosc2", "kubernetes")


def test_the_operator_starts_without_arrays_buckets_and_the_official_client() -> None:
    code = (
        f"import sys\nfor name in {BLOCKED!r}: sys.modules[name] = None\n"
        "import cygnet_operator.main\nprint(sorted(m for m in sys.modules if m.startswith('cygnet.'))[:1])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
