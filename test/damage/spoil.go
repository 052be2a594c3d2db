package main

import (
	"math/rand/v2"
	"slices"
)

const pageSize = 4096

// spoiling is one way in which a file is spoilt. It may change b in place or
// give a shorter one.
type spoiling struct {
	name string
	do   func(r *rand.Rand, b []byte) []byte
}

// spoilings are all of them; most of them hit one page.
var spoilings = []spoiling{
	{"one bit flipped", func(r *rand.Rand, b []byte) []byte {
		b[r.IntN(len(b))] ^= 1 << r.IntN(8)
		return b
	}},
	{"one byte changed", func(r *rand.Rand, b []byte) []byte {
		b[r.IntN(len(b))] += byte(1 + r.IntN(255))
		return b
	}},
	{"head of a page changed", func(r *rand.Rand, b []byte) []byte {
		b[page(r, b)*pageSize+r.IntN(16)] += byte(1 + r.IntN(255))
		return b
	}},
	{"table of a page changed", func(r *rand.Rand, b []byte) []byte {
		b[page(r, b)*pageSize+16+r.IntN(64)] += byte(1 + r.IntN(255))
		return b
	}},
	{"a page of zeros", func(r *rand.Rand, b []byte) []byte {
		clear(at(b, page(r, b), pageSize))
		return b
	}},
	{"a page of garbage", func(r *rand.Rand, b []byte) []byte {
		noise(r, at(b, page(r, b), pageSize))
		return b
	}},
	{"a sector of zeros", func(r *rand.Rand, b []byte) []byte {
		n := r.IntN(len(b)/512) * 512
		clear(b[n : n+512])
		return b
	}},
	{"a sector of another page", func(r *rand.Rand, b []byte) []byte {
		from, to := r.IntN(len(b)/512)*512, r.IntN(len(b)/512)*512
		copy(b[to:to+512], b[from:from+512])
		return b
	}},
	{"a page of another place", func(r *rand.Rand, b []byte) []byte {
		copy(at(b, page(r, b), pageSize), at(b, page(r, b), pageSize))
		return b
	}},
	{"cut anywhere", func(r *rand.Rand, b []byte) []byte { return b[:r.IntN(len(b))] }},
	{"cut at a page", func(r *rand.Rand, b []byte) []byte { return b[:page(r, b)*pageSize] }},
	{"one heading of garbage", func(r *rand.Rand, b []byte) []byte {
		noise(r, at(b, r.IntN(2), pageSize))
		return b
	}},
	{"both headings of zeros", func(_ *rand.Rand, b []byte) []byte {
		clear(b[:2*pageSize])
		return b
	}},
	{"many bits flipped", func(r *rand.Rand, b []byte) []byte {
		for range 1 + r.IntN(64) {
			b[r.IntN(len(b))] ^= 1 << r.IntN(8)
		}
		return b
	}},
	{"one byte of a heading changed", func(r *rand.Rand, b []byte) []byte {
		b[r.IntN(2)*pageSize+16+r.IntN(64)] += byte(1 + r.IntN(255))
		return b
	}},
	{"a page that says it has fewer records", func(r *rand.Rand, b []byte) []byte {
		for range 100 { // most pages have some
			if count := at(b, page(r, b), pageSize)[10:12]; count[1] == 0 && count[0] > 0 {
				count[0] = byte(r.IntN(int(count[0])))
				break
			}
		}
		return b
	}},
	{"another file", func(r *rand.Rand, b []byte) []byte {
		b = slices.Clone(b)
		noise(r, b)
		return b
	}},
}

// page draws a page.
func page(r *rand.Rand, b []byte) int { return r.IntN(len(b) / pageSize) }

func at(b []byte, page, n int) []byte { return b[page*pageSize : page*pageSize+n] }

func noise(r *rand.Rand, b []byte) {
	for n := range b {
		b[n] = byte(r.Uint32())
	}
}
