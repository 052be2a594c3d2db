package store_test

import (
	"path/filepath"
	"testing"

	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
)

const day = 24 * 60 // minutes

func TestAnnouncementsGoWhenTheyCanExplainNothingMore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pw.db")
	r := recorder{t, open(t, path), suite(t, shop), incident.AtOnce()}
	for name, until := range map[incident.AnnouncementID]int{"ann-old": 1 * day, "ann-late": 70 * day, "ann-lasting": 200 * day} {
		r.record(incident.Run{Moment: at(0), Announce: []incident.Announcement{{ID: name, Node: "shop/orders", At: at(0), From: at(0), Until: at(until), By: "ana"}}})
	}
	for _, step := range []struct {
		now, keep int // days
		left      []incident.AnnouncementID
	}{
		{30, 10, []incident.AnnouncementID{"ann-old", "ann-late", "ann-lasting"}}, // ended, but a monthly check may not have run since
		{40, 39, []incident.AnnouncementID{"ann-old", "ann-late", "ann-lasting"}}, // explains nothing, but is history that is kept
		{40, 10, []incident.AnnouncementID{"ann-late", "ann-lasting"}},
		{110, 10, []incident.AnnouncementID{"ann-lasting"}},
	} {
		r.record(r.run("shop", at(step.now*day)))
		if _, err := r.db.Prune(at((step.now - step.keep) * day)); err != nil {
			t.Fatal(err)
		}
		if got := keysOf(t, r, path, "announced"); len(got) != len(step.left) {
			t.Errorf("day %d, kept for %d: left are %v, want %v", step.now, step.keep, got, step.left)
		}
		r.db = open(t, path)
	}
}

func TestBulletinsGoWhenTheyWillNotBeEditedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pw.db")
	r := recorder{t, open(t, path), suite(t, shop), incident.AtOnce()}
	open1 := string(one(t, r.record(r.run("shop", at(0), ordersFresh))))
	bulletin := func(what string, when int, sent bool, b notify.Bulletin) {
		p := notify.BulletinPost(what, "#data", at(when), b)
		if sent {
			p.Shown, p.Ref = p.Want, notify.Ref{Channel: "C1", TS: "1.2"}
		}
		if err := r.db.Save(p); err != nil {
			t.Fatal(err)
		}
	}
	bulletin("morning", 1, true, notify.Bulletin{Kind: notify.Morning})
	bulletin("storm", 2, true, notify.Bulletin{Kind: notify.Storm, Members: []string{"inc-gone"}})
	bulletin("trouble", 3, true, notify.Bulletin{Kind: notify.Trouble})
	kept := map[string]func(){
		"one of a storm of which an incident is open": func() {
			bulletin("storm", 4, true, notify.Bulletin{Kind: notify.Storm, Members: []string{open1}})
		},
		"one of a trouble that lasts": func() {
			bulletin("trouble", 5, true, notify.Bulletin{Kind: notify.Trouble, Members: []string{"#ops"}})
		},
		"one that waits to be sent": func() { bulletin("morning", 6, false, notify.Bulletin{Kind: notify.Morning}) },
		"a young one":               func() { bulletin("morning", 30*day, true, notify.Bulletin{Kind: notify.Morning}) },
	}
	for _, add := range kept {
		add()
	}
	before := len(keysOf(t, r, path, "obx"))
	r.db = open(t, path)
	if _, err := r.db.Prune(at(20 * day)); err != nil {
		t.Fatal(err)
	}
	left := keysOf(t, r, path, "obx")
	if gone := before - len(left); gone != 3 {
		t.Errorf("%d bulletins went, want the morning, the storm and the trouble of old; left %v, among them %d that should be", gone, left, len(kept))
	}
}
