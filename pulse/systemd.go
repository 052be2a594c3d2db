package pulse

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Systemd speaks to the service manager that started this process, if it was
// started with Type=notify or notify-reload; otherwise its methods do nothing.
// The protocol is sd_notify(3).
type Systemd struct {
	Log *slog.Logger
	// Status is one line for `systemctl status`, asked for at each beat.
	Status func() string
}

// say sends lines to the manager. That it cannot be reached is worth a line in
// the log and nothing more: without the watchdog's food it acts by itself.
func (s Systemd) say(lines ...string) {
	if _, err := daemon.SdNotify(false, strings.Join(lines, "\n")); err != nil {
		s.Log.Warn("systemd does not listen", "err", err)
	}
}

// Ready says that the service works.
func (s Systemd) Ready() { s.say(daemon.SdNotifyReady, "STATUS="+s.Status()) }

// Reloading says that files are being read again; Ready says that they were.
func (s Systemd) Reloading() { s.say(daemon.SdNotifyReloading, daemon.SdNotifyMonotonicUsec()) }

// Stopping says that the service is ending.
func (s Systemd) Stopping() { s.say(daemon.SdNotifyStopping) }

// Every is how often the watchdog has to be fed, with room for one beat that
// goes missing; 0 where there is no watchdog.
func (s Systemd) Every() time.Duration {
	limit, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		s.Log.Warn("systemd's watchdog is not fed", "err", err)
	}
	return min(limit/3, beatEvery)
}

// Beat feeds the watchdog while nothing is stuck.
func (s Systemd) Beat(_ context.Context, stuck []string) {
	if len(stuck) > 0 {
		s.Log.Error("the service is stuck; systemd's watchdog is not fed", "what", strings.Join(stuck, "; "))
		s.say("STATUS=stuck: " + strings.Join(stuck, "; "))
		return
	}
	s.say(daemon.SdNotifyWatchdog, "STATUS="+s.Status())
}
