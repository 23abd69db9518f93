"""Reads the Parquet files named as arguments; prints one JSON line for each: {"file", "row_count", "row_groups",
"compression", "schema": [{"name", "type", "nullable"}], "rows": [...]}. A value JSON has no form for becomes text: decimals and times
as Python says them, bytes in hexadecimal."""

import datetime
import decimal
import json
import sys

import pyarrow.parquet as parquet


def plain(value):
    if isinstance(value, (decimal.Decimal, datetime.timedelta)):
        return str(value)
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    raise TypeError(f"no JSON form for {type(value)}")


for path in sys.argv[1:]:
    # Files one by one: a folder would be read as a data set with the columns of its partitions.
    with parquet.ParquetFile(path) as file:
        schema = file.schema_arrow
        table = file.read()
        meta = file.metadata
        print(
            json.dumps(
                {
                    "file": path,
                    "row_count": meta.num_rows,
                    "row_groups": meta.num_row_groups,
                    "compression": meta.row_group(0).column(0).compression if meta.num_row_groups else None,
                    "schema": [{"name": f.name, "type": str(f.type), "nullable": f.nullable} for f in schema],
                    "rows": table.to_pylist(),
                },
                default=plain,
            )
        )
