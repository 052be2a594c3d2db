package postgres_test

import (
	"fmt"
	"testing"

	"github.com/pipewatch-dev/pipewatch/bench/delay"
	"github.com/pipewatch-dev/pipewatch/checks/checkstest"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

func TestATableThatIsDroppedBeforeItIsReadSpoilsItsOwnChecks(t *testing.T) {
	name := fresh(t, checkstest.VanishTables...)
	release := lock(t, name, "lock table a in access exclusive mode")
	source := open(t, dsn("postgres", name), warehouse.Limits{MaxQueries: 1})
	checkstest.Vanish(t, source, func() {
		defer release()
		eventually(t, name, "select count(*) from pg_stat_activity where application_name = 'pipewatch' and datname = current_database() and wait_event_type = 'Lock'", "1")
		admin(t, name, "drop table b")
	}, `relation "b" does not exist`)
}

// 1,001 statements, the columns of each lane's tables, and no statement more for the
// one that fails.
func TestOneBadStatementOfAThousandCostsAndSpoilsNoOther(t *testing.T) {
	name := fresh(t, checkstest.ThousandTables("create table %s as select %d as i")...)
	proxy, err := delay.Listen(fmt.Sprintf("127.0.0.1:%d", server.Port), 0)
	if err != nil {
		t.Fatal(err)
	}
	source := open(t, fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", proxy.Port(), name), warehouse.Limits{MaxQueries: 4})
	shown := checkstest.Thousand(t, source)
	if sent, sessions := proxy.Statements.Load(), proxy.Connections.Load(); shown != 1001 || sent != 1001+4 || sessions != 4 {
		t.Errorf("%d statements are shown, %d were sent over %d connections", shown, sent, sessions)
	}
}
