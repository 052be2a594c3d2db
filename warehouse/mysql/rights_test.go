package mysql_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/warehouse"
)

func TestAUserIsToldWhatItCouldChange(t *testing.T) {
	s := need(t)
	name := s.fresh(t, "create table a (i int, j int)", "create table b (i int)", "create view v as select i from a")
	tests := []struct {
		name   string
		grants []string
		want   []string
	}{
		{"who may only read", []string{"grant select, show view on DB.* to USER", "grant process on *.* to USER"}, nil},
		{"who may do nothing", nil, nil},
		{"who may write to a table", []string{"grant select, insert, delete on DB.a to USER"}, []string{"may INSERT, DELETE on DB.a"}},
		{"who may write to a column", []string{"grant update (i, j), select (i) on DB.a to USER"}, []string{"may UPDATE on DB.a"}},
		{"who may make tables", []string{"grant create, drop on DB.* to USER"}, []string{"may CREATE, DROP on DB.*"}},
		{"who may write files", []string{"grant file on *.* to USER"}, []string{"may FILE on *.*"}},
		{"who has a role that may write", []string{"create or replace role writers", "grant insert on DB.b to writers", "grant writers to USER", "set default role writers for USER"},
			[]string{"may INSERT on DB.b"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := strings.NewReplacer("DB", name, "USER", "'reader'@'127.0.0.1'")
			s.exec(t, name, "create or replace user 'reader'@'127.0.0.1' identified by 'secret'")
			// The database must be one that the user can enter.
			s.exec(t, name, "grant select on "+name+".b to 'reader'@'127.0.0.1'")
			for _, statement := range tt.grants {
				s.exec(t, name, in.Replace(statement))
			}
			r, err := open(t, s.dsn("reader", name), warehouse.Limits{}).Rights(t.Context(), time.Now())
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, w := range tt.want {
				want = append(want, in.Replace(w))
			}
			if diff := cmp.Diff(want, r.Beyond); diff != "" || r.User != "reader@127.0.0.1" {
				t.Errorf("user %s could (-want +got):\n%s", r.User, diff)
			}
			if r.Fence == nil {
				t.Error("an attempt to write was let pass")
			}
		})
	}
	s.exec(t, name, "create or replace user 'reader'@'127.0.0.1' identified by 'secret'")
	for _, on := range []string{"*.*", name + ".*", name + ".a", name + ".b", name + ".v"} {
		s.exec(t, name, "grant insert on "+on+" to 'reader'@'127.0.0.1'")
	}
	many, err := open(t, s.dsn("reader", name), warehouse.Limits{}).Rights(t.Context(), time.Now())
	if err != nil || len(many.Beyond) != 4 || many.Beyond[0] != "may INSERT on *.*" || many.Beyond[3] != "has rights like these on 2 more" {
		t.Errorf("who may write in many places could %q, %v", many.Beyond, err)
	}
	r, err := open(t, s.dsn("root", name), warehouse.Limits{}).Rights(t.Context(), time.Now())
	if err != nil || len(r.Beyond) == 0 || r.Fence == nil || !strings.Contains(r.Fence.Error(), "READ ONLY transaction") {
		t.Errorf("root could %q, %v; an attempt to write is answered with %v", r.Beyond, err, r.Fence)
	}
}
