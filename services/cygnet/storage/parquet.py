"""Parquet bytes to a table, in the thread that asks."""

import pyarrow as pa
import pyarrow.parquet as pq


def read_parquet(data: bytes | memoryview) -> pa.Table:
    """Return the table in Parquet bytes. Raises pa.ArrowException, OSError or ValueError.

    `pq.read_table` reads with Arrow's pool of threads; where a process ends soon afterwards, about one
    in 25 on a busy machine is aborted by that pool's end (apache/arrow 34314).
    """
    with pq.ParquetFile(pa.BufferReader(data), pre_buffer=False) as file:
        return file.read(use_threads=False)
