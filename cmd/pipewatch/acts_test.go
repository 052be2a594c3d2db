package main

import (
	"encoding/json"
	"net/http"

	"github.com/rogpeppe/go-internal/testscript"
)

// openIncident puts the id of the newest open incident of a service into a
// variable: incident VAR URL.
func openIncident(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: incident VAR URL")
	}
	res, err := http.Get(args[1] + "/api/v1/incidents?open=true")
	ts.Check(err)
	defer res.Body.Close()
	var found struct{ Incidents []struct{ ID string } }
	ts.Check(json.NewDecoder(res.Body).Decode(&found))
	if len(found.Incidents) == 0 {
		ts.Fatalf("no incident is open")
	}
	ts.Setenv(args[0], found.Incidents[0].ID)
}
