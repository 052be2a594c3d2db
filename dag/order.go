package dag

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"
	"strings"
)

// adjacency holds the neighbours of node i in to[start[i]:start[i+1]]. Where that does
// not say otherwise they are ascending, and none is there twice.
type adjacency struct{ start, to []int32 }

func (a adjacency) of(i int) []int32 { return a.to[a.start[i]:a.start[i+1]:a.start[i+1]] }

func (a adjacency) nodes() int { return len(a.start) - 1 }

// pair is an edge by numbers or by positions: node needs source.
type pair struct{ node, source int32 }

// explains tells whether a failure of the source explains one of the node.
func (e edgeOf) explains() bool { return e.blocks }

// readersOf lists for each node those that need it, in any order, over the edges that
// count; nil is all.
func readersOf(n int, edges []edgeOf, counts func(edgeOf) bool) adjacency {
	a := adjacency{start: make([]int32, n+1)}
	for _, e := range edges {
		if counts == nil || counts(e) {
			a.start[e.source]++
		}
	}
	a.allot()
	for _, e := range edges {
		if counts == nil || counts(e) {
			a.put(e.source, e.node)
		}
	}
	return a
}

// allot makes room for as many neighbours as start counts.
func (a *adjacency) allot() {
	end := int32(0)
	for i, n := range a.start {
		end += n
		a.start[i] = end
	}
	a.to = make([]int32, end)
}

// put adds a neighbour in front of those that the node has already.
func (a adjacency) put(node, neighbour int32) {
	a.start[node]--
	a.to[a.start[node]] = neighbour
}

// placed is the same with positions for numbers, in any order.
func (a adjacency) placed(place []int32) adjacency {
	next := adjacency{start: make([]int32, len(a.start))}
	for i, at := range place {
		next.start[at] = int32(len(a.of(i)))
	}
	next.allot()
	for i, at := range place {
		for _, j := range a.of(i) {
			next.put(at, place[j])
		}
	}
	return next
}

// turned is all edges the other way round: in order, as the nodes are gone through in
// order, but those that are there twice still are.
func (a adjacency) turned() adjacency {
	next := adjacency{start: make([]int32, len(a.start))}
	for _, j := range a.to {
		next.start[j]++
	}
	next.allot()
	for i := a.nodes() - 1; i >= 0; i-- {
		for _, j := range a.of(i) {
			next.put(j, int32(i))
		}
	}
	return next
}

// compact leaves out what is there twice, one after the other.
func (a adjacency) compact() adjacency {
	kept := int32(0)
	for i := range a.nodes() {
		row := slices.Compact(a.of(i))
		a.start[i] = kept
		kept += int32(copy(a.to[kept:], row))
	}
	a.start[a.nodes()] = kept
	a.to = a.to[:kept]
	return a
}

// placements gives each node its position in topological order, the smallest number
// first among those that are ready; nil when there is a cycle.
func placements(readers adjacency) []int32 {
	n := readers.nodes()
	waiting := make([]int32, n)
	for _, reader := range readers.to {
		waiting[reader]++
	}
	var ready heap
	for i := range n {
		if waiting[i] == 0 {
			ready = append(ready, int32(i)) // ascending, hence a heap already
		}
	}
	place := make([]int32, n)
	placed := int32(0)
	for ; len(ready) > 0; placed++ {
		i := ready.pop()
		place[i] = placed
		for _, reader := range readers.of(int(i)) {
			if waiting[reader]--; waiting[reader] == 0 {
				ready.push(reader)
			}
		}
	}
	if int(placed) < n {
		return nil
	}
	return place
}

// heap gives the smallest position first.
type heap []int32

func (h *heap) push(x int32) {
	s := append(*h, x)
	*h = s
	for i := len(s) - 1; i > 0; {
		parent := (i - 1) / 2
		if s[parent] <= s[i] {
			return
		}
		s[parent], s[i] = s[i], s[parent]
		i = parent
	}
}

func (h *heap) pop() int32 {
	s := *h
	least, last := s[0], len(s)-1
	s[0], s = s[last], s[:last]
	*h = s
	for i := 0; ; {
		next := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if s[child] < s[next] {
				next = child
			}
		}
		if next == i {
			return least
		}
		s[i], s[next] = s[next], s[i]
		i = next
	}
}

// marks is a set of positions.
type marks []uint64

func newMarks(n int) marks { return make(marks, n/64+1) }

func (m marks) set(i int32) { m[i/64] |= 1 << (i % 64) }

func (m marks) count() int {
	n := 0
	for _, word := range m {
		n += bits.OnesCount64(word)
	}
	return n
}

// next is the first position in the set from i on; -1 when there is none.
func (m marks) next(i int) int {
	for word := i / 64; word < len(m); word++ {
		left := m[word]
		if word == i/64 {
			left &= ^uint64(0) << (i % 64)
		}
		if left != 0 {
			return word*64 + bits.TrailingZeros64(left)
		}
	}
	return -1
}

// sortByName sorts the nodes of one DAG by id. Most differ in how their names begin,
// which is held beside the node, as that is far away.
func sortByName(nodes []*Node) {
	type named struct {
		begins uint64
		node   *Node
	}
	all := make([]named, len(nodes))
	for i, n := range nodes {
		var first [8]byte
		copy(first[:], n.ID.Name())
		all[i] = named{binary.BigEndian.Uint64(first[:]), n}
	}
	slices.SortFunc(all, func(x, y named) int {
		if x.begins != y.begins {
			return cmp.Compare(x.begins, y.begins)
		}
		return strings.Compare(string(x.node.ID), string(y.node.ID))
	})
	for i, n := range all {
		nodes[i] = n.node
	}
}
