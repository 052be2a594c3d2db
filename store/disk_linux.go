package store

import (
	"fmt"
	"path/filepath"
	"syscall"
)

// networks are file systems on which a lock or a flushed write may not be what
// it says, by their magic numbers (statfs(2)).
var networks = map[int64]string{
	0x6969: "NFS", 0x517b: "SMB", 0xff534d42: "CIFS", 0xfe534d42: "SMB", 0x5346414f: "AFS", 0x00c36400: "Ceph", 0x0bd00bd0: "Lustre",
}

// local refuses disks that are reached over a network.
func local(path string) error {
	var fs syscall.Statfs_t
	if syscall.Statfs(filepath.Dir(path), &fs) != nil {
		return nil // opening says it better
	}
	return localBy(path, int64(fs.Type)&0xffffffff)
}

func localBy(path string, magic int64) error {
	if name, remote := networks[magic]; remote {
		return fmt.Errorf("state file %s is on %s, where locks and flushed writes cannot be relied on: name a file on a local disk under state: path", path, name)
	}
	return nil
}

// freeBytes is what this user may still write to the disk of a file.
func freeBytes(path string) (int64, bool) {
	var fs syscall.Statfs_t
	if syscall.Statfs(filepath.Dir(path), &fs) != nil {
		return 0, false
	}
	return int64(fs.Bavail) * fs.Bsize, true
}
