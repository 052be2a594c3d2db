package checks_test

import (
	"strings"
	"testing"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// Types are compared in the engines' own words: MariaDB writes how many digits of an
// integer it shows.
func TestTypesThatHoldMore(t *testing.T) {
	for _, c := range []struct {
		from, to string
		wider    bool
	}{
		{"int(11)", "bigint(20)", true},
		{"int", "bigint", true},
		{"int(10) unsigned", "bigint(20) unsigned", true},
		{"int(10) unsigned", "bigint(20)", true},
		{"int(11)", "bigint(20) unsigned", false},
		{"bigint(20)", "int(11)", false},
		{"int(11)", "int(10) unsigned", false},
		{"tinyint(4)", "mediumint(9)", true},
		{"tinyint(1)", "int(11)", false},
		{"text", "longtext", true},
		{"mediumtext", "text", false},
		{"varchar(9)", "varchar(20)", true},
		{"varchar(20)", "varchar(9)", false},
		{"character varying(9)", "text", true},
		{"decimal(10,2)", "decimal(12,2)", true},
		{"decimal(10,2)", "decimal(12,5)", false},
		{"real", "double precision", true},
		{"INT8", "INT4", false},
	} {
		check := checkOf(t, "version: {of: schema, on_change: fail, allow: [widened_types]}", "version")
		of := func(typ string) []probe.Answer {
			return []probe.Answer{{Value: probe.Digests{Columns: []probe.Column{{Name: "c", Type: typ}}}}}
		}
		_, memory := check.Judge(of(c.from), nil, moment(t, "2013-06-15T16:00:00Z"))
		v, _ := check.Judge(of(c.to), memory, moment(t, "2013-06-16T16:00:00Z"))
		if (v.Outcome == checks.Pass) != c.wider || strings.Contains(v.Message, "widened") != c.wider {
			t.Errorf("%s to %s: %s", c.from, c.to, said(v))
		}
	}
}
