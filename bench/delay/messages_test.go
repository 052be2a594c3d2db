package delay

import (
	"encoding/binary"
	"slices"
	"testing"
)

// message is a message of PostgreSQL's protocol; those at the start have no type.
func message(kind string, body int) []byte {
	return slices.Concat([]byte(kind), binary.BigEndian.AppendUint32(nil, uint32(body+4)), make([]byte, body))
}

func TestStatementsAreCountedWhateverWayAConnectionBegins(t *testing.T) {
	start, asks := message("", 40), message("", 4)
	sent := slices.Concat(message("P", 30), message("B", 8), message("Q", 12), message("X", 0))
	tests := []struct {
		name string
		sent []byte
	}{
		{"at once", slices.Concat(start, sent)},
		{"with a question for encryption that was refused", slices.Concat(asks, start, sent)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for size := 1; size <= len(tt.sent); size++ {
				var m messages
				var n int64
				for part := range slices.Chunk(tt.sent, size) {
					n += m.statements(part)
				}
				if n != 2 {
					t.Errorf("in chunks of %d bytes: %d statements, and a Parse and a Query were sent", size, n)
				}
			}
		})
	}
}
