// The official Go client's own loop: each row of the answer as one JSON object a line.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"

	influxdb2 "github.com/influxdata/influxdb-client-go/v2"
)

const flux = `from(bucket:"plant") |> range(start: -1h)`

func run(url string) error {
	client := influxdb2.NewClientWithOptions(url, "sample-token", influxdb2.DefaultOptions().SetHTTPRequestTimeout(3600))
	defer client.Close()
	result, err := client.QueryAPI("test-org").Query(context.Background(), flux)
	if err != nil {
		return err
	}
	defer result.Close()
	out := bufio.NewWriterSize(os.Stdout, 256<<10)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for result.Next() {
		if err := encoder.Encode(result.Record().Values()); err != nil {
			return err
		}
	}
	if result.Err() != nil {
		return result.Err()
	}
	return out.Flush()
}

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
