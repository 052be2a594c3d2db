package store_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.etcd.io/bbolt"

	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/store"
)

var withoutID = cmpopts.IgnoreFields(store.Entry{}, "ID")

func TestAuditIsReadNewestFirstPageByPage(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "pw.db"))
	for n := range 5 {
		if err := db.Audit(store.Entry{At: at(n), Who: "signal", Did: "reload", Detail: fmt.Sprint(n)}); err != nil {
			t.Fatal(err)
		}
	}
	var pages []string
	before := ""
	for {
		page, err := db.Audits(before, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		var text strings.Builder
		for _, e := range page {
			text.WriteString(e.Detail)
		}
		pages = append(pages, text.String())
		before = page[len(page)-1].ID
	}
	if diff := cmp.Diff([]string{"43", "21", "0"}, pages); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
}

func TestWhatPeopleDoIsInTheTrailWithTheDeedItself(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pw.db")
	r := recorder{t, open(t, path), suite(t, shop), incident.AtOnce()}
	i := one(t, r.record(r.run("shop", at(0), ordersFresh)))
	r.record(incident.Run{Moment: at(1), Acts: []incident.Act{{
		Incident: i, Kind: incident.Mute, By: "ana", Via: "slack", At: at(1), Until: at(60), Note: "vendor is told",
	}}})
	a := incident.Announcement{Node: "shop/orders", From: at(2), Until: at(90), Reason: "backfill", By: "bo", Via: "cli", At: at(2)}
	a.ID = a.NewID()
	r.record(incident.Run{Moment: at(2), Announce: []incident.Announcement{a}})
	recheck := r.run("shop", at(3))
	recheck.Slot, recheck.By, recheck.Via = time.Time{}, "cy", "page"
	r.record(recheck)
	r.db = reopen(t, r.db, path)
	got, err := r.db.Audits("", 10)
	want := []store.Entry{
		{At: at(3).Add(time.Second), Who: "cy", Via: "page", Did: "check", To: "shop", Detail: "5 checks"},
		{At: at(2), Who: "bo", Via: "cli", Did: "announce", To: "shop/orders", Detail: "2013-02-08T12:02:00Z to 2013-02-08T13:30:00Z: backfill"},
		{At: at(1), Who: "ana", Via: "slack", Did: "mute", To: string(i), Detail: "until 2013-02-08T13:00:00Z vendor is told"},
	}
	if diff := cmp.Diff(want, got, withoutID); diff != "" || err != nil {
		t.Errorf("audit: %v (-want +got)\n%s", err, diff)
	}
	if b := r.db.Book().Announcements[a.ID]; b.Reason != "backfill" {
		t.Errorf("announcement after a restart: %+v", b)
	}
	if m := r.db.Book().Incidents[i].Muted; m.By != "ana" {
		t.Errorf("mute after a restart: %+v", m)
	}
}

func TestWhatIsRefusedLeavesNoTrace(t *testing.T) {
	r := recorder{t, open(t, filepath.Join(t.TempDir(), "pw.db")), suite(t, shop), incident.AtOnce()}
	act := incident.Act{Incident: "inc-none", Kind: incident.Ack, By: "ana", At: at(1)}
	run := incident.Run{Moment: at(1), Acts: []incident.Act{act}}
	if c := r.record(run); !c.Empty() {
		t.Errorf("changed %+v", c)
	}
	if got, err := r.db.Audits("", 10); err != nil || len(got) != 0 {
		t.Errorf("audit %v, %v", got, err)
	}
	if _, err := incident.Perform(r.db.Book(), act); err == nil || errors.Unwrap(err) != nil {
		t.Errorf("performed: %v", err)
	}
}

func TestAFileOfAnEarlierReleaseGetsTheBucketsThatCameLater(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pw.db")
	db := open(t, path)
	generation, err := db.Generation()
	if err != nil || db.Close() != nil {
		t.Fatal(err)
	}
	raw(t, path, func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("announced")) })
	db = open(t, path)
	if g, err := db.Generation(); err != nil || g != generation {
		t.Errorf("generation %q (%v), want that of the file: %q", g, err, generation)
	}
	r := recorder{t, db, suite(t, shop), incident.AtOnce()}
	a := incident.Announcement{ID: "ann-1", Node: "shop/orders", From: at(2), Until: at(90), Reason: "backfill"}
	r.record(incident.Run{Moment: at(2), Announce: []incident.Announcement{a}})
}
