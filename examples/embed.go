// Package examples carries the flight example inside the binary, for the demo:
// the operator's file, the DAG and the tables of 2013.
//
// It is not an API and it reads nothing; whoever uses it unpacks the files, as
// an engine opens them by path.
//
// # Data model
//
// [Files] has the layout of this folder: pipewatch.yaml, dags/flight_delay.yaml
// and data/<table>.parquet.
package examples

import "embed"

// Files is the example as it stands in this folder.
//
//go:embed pipewatch.yaml dags/flight_delay.yaml data/*.parquet
var Files embed.FS
