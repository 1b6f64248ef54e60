"""The official Python client's own loop: each row of the answer as one JSON object a line."""
import datetime
import json
import sys

from influxdb_client import InfluxDBClient

FLUX = 'from(bucket:"plant") |> range(start: -1h)'


def run(url):
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=datetime.datetime.isoformat).encode
    lines = []
    with InfluxDBClient(url=url, token="sample-token", org="test-org", timeout=3600_000) as client:
        for record in client.query_api().query_stream(FLUX):
            lines.append(encode(record.values))
            if len(lines) == 1000:
                lines.append("")
                sys.stdout.write("\n".join(lines))
                lines.clear()
    if lines:
        lines.append("")
        sys.stdout.write("\n".join(lines))


run(sys.argv[1])
