// The official JavaScript client's own loop: each row of the answer as one JSON object a line.
import { writeSync } from 'node:fs'
import { InfluxDB } from '@influxdata/influxdb-client'

const flux = 'from(bucket:"plant") |> range(start: -1h)'
const api = new InfluxDB({ url: process.argv[2], token: 'sample-token', timeout: 3600_000 }).getQueryApi('test-org')
let text = ''

function write() {
  let bytes = Buffer.from(text)
  while (bytes.length > 0) bytes = bytes.subarray(writeSync(1, bytes))
  text = ''
}

api.queryRows(flux, {
  next(row, tableMeta) {
    text += JSON.stringify(tableMeta.toObject(row)) + '\n'
    if (text.length > 262144) write()
  },
  error(error) {
    console.error(error)
    process.exitCode = 1
  },
  complete: write,
})
