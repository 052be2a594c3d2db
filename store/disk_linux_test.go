package store

import (
	"strings"
	"testing"
)

// A file system over a network can only be had with a server, so that its
// magic number stands for it.
func TestAStateFileOnANetworkIsRefused(t *testing.T) {
	for magic, name := range map[int64]string{0x6969: "NFS", 0xff534d42: "CIFS"} {
		if err := localBy("/srv/state.db", magic); err == nil || !strings.Contains(err.Error(), "/srv/state.db is on "+name) {
			t.Errorf("on %s: got %v", name, err)
		}
	}
	const ext4, tmpfs = 0xef53, 0x01021994
	for _, magic := range []int64{ext4, tmpfs} {
		if err := localBy("/srv/state.db", magic); err != nil {
			t.Error(err)
		}
	}
}
