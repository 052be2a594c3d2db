package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
)

// errForbidden is the error of an address that must not be called.
var errForbidden = errors.New("alerts.webhook.url leads to an address that is not public; allow its network with alerts.webhook.allow")

// CheckURL tells whether an address may be called at all: https, or http on this
// machine only. The error does not repeat the address, which is a secret.
func CheckURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "" || u.Hostname() == "":
		return errors.New("it is not an address such as https://host/path")
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	case u.Scheme == "http":
		return errors.New("it is not encrypted: use https (http is for this machine only)")
	}
	return fmt.Errorf("%q is not https", u.Scheme)
}

// loopback tells whether a host is written as this machine.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}

// private are networks beside those that netip knows that nobody outside may
// reach through us.
var private = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("2001::/32"), netip.MustParsePrefix("fec0::/10"), netip.MustParsePrefix("2001:db8::/32"),
}

// public tells whether an address is out in the world, or allowed all the same.
func public(ip netip.Addr, allow []netip.Prefix) bool {
	ip = ip.Unmap()
	in := func(p netip.Prefix) bool { return p.Contains(ip) }
	if slices.ContainsFunc(allow, in) {
		return true
	}
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !ip.IsLoopback() && !slices.ContainsFunc(private, in)
}

// guarded makes connections only to where they may go. It looks at the address
// that a name has led to, at the moment of the connection, so that a name
// cannot lead elsewhere the second time.
func guarded(c Config) *net.Dialer {
	allow := slices.Clone(c.Allow)
	if u, err := url.Parse(c.URL.Reveal()); err == nil && loopback(u.Hostname()) {
		allow = append(allow, netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"))
	}
	return &net.Dialer{
		Timeout: 10 * time.Second,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil || !public(to.Addr().WithZone(""), allow) {
				return errForbidden
			}
			return nil
		},
	}
}
