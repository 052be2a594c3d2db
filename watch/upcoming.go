package watch

import "time"

// upcoming lists groups by when something is about to happen to them, the soonest
// first: a heap of small entries, so that a hundred thousand groups cost no
// more each than ten.
type upcoming []entry

type entry struct {
	at    int64 // Unix nanoseconds
	group int32 // place among the agenda's groups
}

// when is the entry's time.
func (e entry) when() time.Time { return time.Unix(0, e.at).UTC() }

// add puts a group in; a zero time is never.
func (u *upcoming) add(at time.Time, group int32) {
	if at.IsZero() {
		return
	}
	*u = append(*u, entry{at.UnixNano(), group})
	h := *u
	for i := len(h) - 1; i > 0; {
		parent := (i - 1) / 2
		if h[parent].at <= h[i].at {
			return
		}
		h[parent], h[i] = h[i], h[parent]
		i = parent
	}
}

// first is the soonest; false when there is none.
func (u upcoming) first() (entry, bool) {
	if len(u) == 0 {
		return entry{}, false
	}
	return u[0], true
}

// drop takes the first out.
func (u *upcoming) drop() {
	h := *u
	last := len(h) - 1
	h[0] = h[last]
	h = h[:last]
	*u = h
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h); child++ {
			if h[child].at < h[least].at {
				least = child
			}
		}
		if least == i {
			return
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}
