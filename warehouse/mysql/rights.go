package mysql

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pipewatch-dev/pipewatch/warehouse"
)

var (
	// grant is a line of show grants, such as: GRANT SELECT, UPDATE (`a`) ON `shop`.* TO
	// `pipewatch`@`%`. That a role is granted has no ON; its own lines follow.
	grant   = regexp.MustCompile("^GRANT (.+) ON (?:TABLE )?(.+?) TO ")
	columns = regexp.MustCompile(` \([^)]*\)`)
	reading = []string{"USAGE", "SELECT", "SHOW VIEW", "SHOW DATABASES", "SHOW CREATE ROUTINE", "PROCESS",
		"REPLICATION CLIENT", "BINLOG MONITOR", "REPLICA MONITOR", "SLAVE MONITOR"}
)

// attempt would delete no row, if a session let it.
const attempt = "delete from mysql.user where false"

// shown is how many places are named.
const shown = 3

// Rights implements warehouse.Entitled. Roles count where they are on.
func (s *session) Rights(ctx context.Context) (warehouse.Rights, error) {
	rows, err := s.Query(ctx, "select current_user()")
	if err != nil {
		return warehouse.Rights{}, err
	}
	r := warehouse.Rights{User: fmt.Sprint(rows[0][0])}
	if rows, err = s.Query(ctx, "show grants"); err != nil {
		return r, err
	}
	_, r.Fence = s.Query(ctx, attempt)
	for _, row := range rows {
		if may := beyondReading(fmt.Sprint(row[0])); may != "" {
			r.Beyond = append(r.Beyond, may)
		}
	}
	if n := len(r.Beyond) - shown; n > 0 {
		r.Beyond = append(r.Beyond[:shown], fmt.Sprintf("has rights like these on %d more", n))
	}
	return r, nil
}

// beyondReading says what a line of show grants grants besides reading; "" for none.
func beyondReading(line string) string {
	found := grant.FindStringSubmatch(line)
	if found == nil {
		return ""
	}
	writing := slices.DeleteFunc(strings.Split(columns.ReplaceAllString(found[1], ""), ", "), func(p string) bool { return slices.Contains(reading, p) })
	if len(writing) == 0 {
		return ""
	}
	return fmt.Sprintf("may %s on %s", strings.Join(writing, ", "), strings.ReplaceAll(found[2], "`", ""))
}
