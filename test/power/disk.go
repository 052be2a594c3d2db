//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
	"unsafe"
)

// sizes of the disks, as small as mkfs allows.
var sizes = map[string]int64{"ext4": 96 << 20, "xfs": 320 << 20}

// disk is a file system in a file.
type disk struct {
	kind, image, dir string
}

// newDisk makes a file system.
func newDisk(dir, kind string) (*disk, error) {
	size, known := sizes[kind]
	if !known {
		return nil, fmt.Errorf("no file system %q; there are ext4 and xfs", kind)
	}
	d := &disk{kind, filepath.Join(dir, "disk.img"), filepath.Join(dir, "mounted")}
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.Create(d.image)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(f.Truncate(size), f.Close()); err != nil {
		return nil, err
	}
	return d, command("mkfs."+kind, "-q", d.image)
}

func (d *disk) mount() error { return command("mount", "-o", "loop", d.image, d.dir) }

// unmount takes the disk away; a process that has just been killed may hold it
// for a moment.
func (d *disk) unmount() error {
	var err error
	for range 100 {
		if err = command("umount", d.dir); err == nil {
			return nil
		}
		<-time.After(10 * time.Millisecond)
	}
	return err
}

// cut takes the power away: nothing reaches the device any more, not even the
// log of the file system.
func (d *disk) cut() error {
	f, err := os.Open(d.dir)
	if err != nil {
		return err
	}
	defer f.Close()
	const shutdown, noLogFlush = 0x8004587d, 2
	how := uint32(noLogFlush)
	if _, _, no := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), shutdown, uintptr(unsafe.Pointer(&how))); no != 0 {
		return fmt.Errorf("cut the power of %s: %w", d.dir, no)
	}
	return nil
}

func command(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}
