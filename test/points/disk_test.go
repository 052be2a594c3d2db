//go:build linux

package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/test/rig"
)

// smallDisk mounts a disk of 120 MiB, or skips where that is not allowed.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=120m"); err != nil {
		t.Skipf("no disk can be mounted here, so that none gets full: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// crowd fills a disk to its last byte.
func crowd(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "crowd"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for {
		if _, err := f.Write(make([]byte, 1<<20)); err != nil {
			return
		}
	}
}

// life starts the service on the small disk.
func (t *trial) life(tt *testing.T) *rig.Process {
	tt.Helper()
	p, err := t.start(context.WithoutCancel(tt.Context()), t.binary)
	if err != nil {
		tt.Fatal(err)
	}
	tt.Cleanup(func() { _ = p.Kill() }) // an error when it has ended, as it should
	return p
}

// ended waits for the end of a life on a full disk, which must be with 70.
func ended(t *testing.T, p *rig.Process) {
	t.Helper()
	select {
	case <-p.Over():
	case <-time.After(patience):
		t.Fatal(p.WithLog(rig.ErrEnded))
	}
	if how := p.Kill().Error(); !strings.HasSuffix(how, "exit status 70") {
		t.Error(p.WithLog(rig.ErrEnded), how)
	}
}

// crowded is a life that has told an incident when the disk becomes full.
func crowded(t *testing.T, binary string) *trial {
	t.Helper()
	disk := &trial{binary: binary, dir: smallDisk(t)}
	server, err := disk.prepare()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	if err := disk.fill(false); err != nil {
		t.Fatal(err)
	}
	first := disk.life(t)
	ready := func() bool {
		_, err := os.Stat(disk.file("state.db.ballast"))
		return err == nil && len(disk.told()) > 0
	}
	if err := disk.until(t.Context(), first, "an incident that is told, and ballast", ready); err != nil {
		t.Fatal(err)
	}
	return disk.crowd(t, first)
}

func (t *trial) crowd(tt *testing.T, p *rig.Process) *trial {
	tt.Helper()
	crowd(tt, t.dir)
	ended(tt, p)
	if said := len(t.slack.Messages(channel)) - len(t.told()); said != 1 && !t.logged("nobody could be told") {
		tt.Errorf("people were told %d times that the service has ended", said)
	}
	return t
}

func TestAFullDiskIsToldAndNothingIsLostOnIt(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a real service for a while")
	}
	binary := filepath.Join(folder(t), "pipewatch")
	if err := build(t.Context(), binary); err != nil {
		t.Fatal(err)
	}
	t.Run("the ballast leaves room to say so, and to go on", func(t *testing.T) {
		disk := crowded(t, binary)
		second := disk.life(t)
		saysDisk := func() bool {
			for _, m := range disk.told() {
				if strings.Contains(m.Text, "disk") {
					return true
				}
			}
			return false
		}
		if err := disk.until(t.Context(), second, "an incident about the disk", saysDisk); err != nil || !saysDisk() {
			t.Fatal(second.WithLog(rig.ErrEnded), err)
		}
		if err := os.Remove(disk.file("crowd")); err != nil {
			t.Fatal(err)
		}
		if err := second.Stop(); err != nil {
			t.Fatal(second.WithLog(err))
		}
		third := disk.life(t)
		if err := disk.settle(t.Context(), third); err != nil {
			t.Error(err)
		}
		if err := third.Stop(); err != nil {
			t.Error(third.WithLog(err))
		}
		for _, wrong := range disk.judge() {
			t.Error(wrong)
		}
	})
	t.Run("control: without ballast the next life has no room either", func(t *testing.T) {
		disk := crowded(t, binary)
		crowd(t, disk.dir) // what the ballast had left
		ended(t, disk.life(t))
	})
}
