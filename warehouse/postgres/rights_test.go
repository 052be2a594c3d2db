package postgres_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/warehouse"
)

func TestARoleIsToldWhatItCouldChange(t *testing.T) {
	name := fresh(t, "revoke create on schema public from public", "create schema crm", "create schema hidden", "create table a (i int)", `create table crm."B" (i int, j int)`, "create table hidden.h (i int)",
		"create view v as select i from a", "create sequence s")
	tests := []struct {
		name   string
		grants string // to role tester, separated by ;
		want   []string
	}{
		{"a superuser", "alter role tester superuser", []string{"is a superuser"}},
		{"who may only read", "grant select on a, v to tester; grant usage on schema crm to tester; grant select on crm.\"B\" to tester", nil},
		{"who may do nothing", "", nil},
		{"who may write to a table", "grant insert on a to tester", []string{"may write to tables (1, such as public.a)"}},
		{"who may write to a column", `grant usage on schema crm to tester; grant update (j) on crm."B" to tester`, []string{`may write to tables (1, such as crm."B")`}},
		{"who may write through a view", "grant delete on v to tester", []string{"may write to tables (1, such as public.v)"}},
		{"who may advance a sequence", "grant usage on sequence s to tester", []string{"may write to tables (1, such as public.s)"}},
		{"whose table is in a schema that is closed to it", "grant insert on hidden.h to tester", nil},
		{"who owns a table", "alter table a owner to tester", []string{"may write to tables (1, such as public.a)"}},
		{"who may make tables", "grant create on schema public, crm to tester", []string{"may make tables in schema crm, public"}},
		{"who may make schemas", "grant create on database " + name + " to tester", []string{"may make schemas in the database"}},
		{"who may make roles", "alter role tester createrole createdb", []string{"may make databases and make roles"}},
		{"a member of those who may write", "create role writers; grant truncate on a to writers; grant writers to tester", []string{"may write to tables (1, such as public.a)"}},
		{"who may run programs", "grant pg_execute_server_program, pg_write_server_files to tester", []string{"is a member of pg_execute_server_program, pg_write_server_files"}},
		{"who may write everywhere", "grant pg_write_all_data to tester", []string{"is a member of pg_write_all_data", `may write to tables (5, such as crm."B")`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			admin(t, name, "create role tester login")
			defer admin(t, name, "alter table a owner to postgres", "drop owned by tester", "drop role tester",
				"do $$ begin if exists (select from pg_roles where rolname = 'writers') then drop owned by writers; drop role writers; end if; end $$")
			for statement := range strings.SplitSeq(tt.grants, ";") {
				if statement != "" {
					admin(t, name, statement)
				}
			}
			r, err := open(t, dsn("tester", name), warehouse.Limits{}).Rights(t.Context(), time.Now())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, r.Beyond); diff != "" || r.User != "tester" {
				t.Errorf("user %s could (-want +got):\n%s", r.User, diff)
			}
			if r.Fence == nil || !strings.Contains(r.Fence.Error(), "read-only transaction") {
				t.Errorf("an attempt to write is answered with %v", r.Fence)
			}
		})
	}
}
