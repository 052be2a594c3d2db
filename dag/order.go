package dag

import "slices"

// adjacency holds the neighbours of node i in to[start[i]:start[i+1]], ascending.
type adjacency struct{ start, to []int32 }

func (a adjacency) of(i int) []int32 { return a.to[a.start[i]:a.start[i+1]:a.start[i+1]] }

// pair is an edge by positions: node needs source.
type pair struct{ node, source int32 }

// neighbours indexes the sources of each node, those that are given twice once.
func neighbours(n int, pairs []pair) adjacency {
	start := make([]int32, n+2) // that of node i is at i+1 until all are placed
	for _, p := range pairs {
		start[p.node+2]++
	}
	for i := range n {
		start[i+2] += start[i+1]
	}
	to := make([]int32, len(pairs))
	for _, p := range pairs {
		to[start[p.node+1]] = p.source
		start[p.node+1]++
	}
	kept := int32(0)
	for i := range n {
		row := to[start[i]:start[i+1]]
		slices.Sort(row)
		start[i] = kept
		kept += int32(copy(to[kept:], slices.Compact(row)))
	}
	start[n] = kept
	return adjacency{start[:n+1], to[:kept]}
}

func flipped(pairs []pair) []pair {
	turned := make([]pair, len(pairs))
	for i, p := range pairs {
		turned[i] = pair{p.source, p.node}
	}
	return turned
}

// placements gives each node its position in topological order, the smallest id first
// among those that are ready; nil when there is a cycle.
func placements(n int, edges []edgeOf, counts func(edgeOf) bool) []int32 {
	pairs := make([]pair, 0, len(edges))
	for _, e := range edges {
		if counts(e) {
			pairs = append(pairs, pair{e.source, e.node})
		}
	}
	readers := neighbours(n, pairs)
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
