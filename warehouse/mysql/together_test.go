package mysql_test

import (
	"testing"

	"github.com/pipewatch-dev/pipewatch/checks/checkstest"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

func TestATableThatIsDroppedBeforeItIsReadSpoilsItsOwnChecks(t *testing.T) {
	s := need(t)
	name := s.fresh(t, checkstest.VanishTables...)
	conn, err := s.root.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // a scratch database
	run := func(statements ...string) {
		for _, statement := range statements {
			if _, err := conn.ExecContext(t.Context(), statement); err != nil {
				t.Error(err)
			}
		}
	}
	run("lock tables " + name + ".a write, " + name + ".b write")
	source := open(t, s.dsn("root", name), warehouse.Limits{MaxQueries: 1})
	checkstest.Vanish(t, source, func() {
		s.running(t, "from `a`", 1)
		run("drop table "+name+".b", "unlock tables")
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}, "Table '"+name+".b' doesn't exist")
}

// 1,001 statements and one for the columns, over two sessions; what each session is
// set up with is counted by a run of one question.
func TestOneBadStatementOfAThousandCostsAndSpoilsNoOther(t *testing.T) {
	s := need(t)
	name := s.fresh(t, checkstest.ThousandTables("create view %s as select %d as i")...)
	source := open(t, s.dsn("root", name), warehouse.Limits{MaxQueries: 2})
	shown := 0
	sent, sessions := s.counted(t, func() { shown = checkstest.Thousand(t, source) })
	if shown != 1001 || sent < 1001+1 || sent > 1001+1+4 || sessions != 2 {
		t.Errorf("%d statements are shown, %d were sent over %d connections", shown, sent, sessions)
	} else {
		t.Logf("%d statements over %d connections", sent, sessions)
	}
}

// counted tells how many statements were sent to the server, and how many connections
// were made, while do runs.
func (s *mariadb) counted(t *testing.T, do func()) (statements, connections int) {
	t.Helper()
	read := func() (n [2]int) {
		for i, name := range []string{"Com_select", "Connections"} {
			var is string
			if err := s.root.QueryRowContext(t.Context(), "show global status like '"+name+"'").Scan(&is, &n[i]); err != nil {
				t.Fatal(err)
			}
		}
		return n
	}
	before := read()
	do()
	after := read()
	return after[0] - before[0], after[1] - before[1]
}
