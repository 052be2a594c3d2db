package notify

import (
	"fmt"

	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// mostRemoved is how many nodes and incidents the digest of a removal names.
const mostRemoved = 20

// RemovalDigest words that a reload has taken nodes out of their files: those,
// of how many, and the incidents that ended by it without a recovery. The desk
// is the one from before, which knows what they were called.
func (d Desk) RemovalDigest(gone []dag.NodeID, of int, broken []incident.Incident) Bulletin {
	b := Bulletin{Kind: Removal, State: Warning,
		Title: fmt.Sprintf("digest: changed files have removed %d of %s, which nobody watches any more", len(gone), Count(of, "node")),
	}
	add := func(title string, items []string) {
		if more := len(items) - mostRemoved; more > 0 {
			items = append(items[:mostRemoved:mostRemoved], fmt.Sprintf("… %d more", more))
		}
		if len(items) > 0 {
			b.Sections = append(b.Sections, Section{Title: title, Items: items})
		}
	}
	add("Broken when they were removed: closed without a recovery", collect(broken, func(i incident.Incident) string {
		return Headline(d.Compose(i, nil), Plainly)
	}))
	add("Removed", collect(gone, func(id dag.NodeID) string { return string(id) }))
	return b
}
