// Package resolve connects to hosts by every name that this machine knows. Built without C, a Go program asks /etc/hosts and
// DNS by itself; names in .local (Avahi with libnss-mdns, as on Raspberry Pi OS), of systemd-resolved and of other services of
// nsswitch.conf are known to the C library only. So getent(1), which comes with it, is asked for what Go does not find.
package resolve

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"time"
)

const (
	// getentTimeout is how long the services of a machine may look for a name: mDNS gives up after five seconds, and DNS
	// behind it too.
	getentTimeout = 8 * time.Second
	// addressTimeout is how long one address of several may take before the next is tried.
	addressTimeout = 3 * time.Second
)

// Dial connects as dialer does, to a host by any name that this machine knows. The error of a name that nothing knows is a
// *net.DNSError.
func Dial(ctx context.Context, dialer *net.Dialer, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil || !strings.HasPrefix(network, "tcp") || !isName(host) {
		return dialer.DialContext(ctx, network, address)
	}
	ctx, cancel := within(ctx, dialer)
	defer cancel()
	addresses := []string(nil)
	if isLocal(host) { // Go would ask DNS, which never knows these, and wait for it
		addresses = ask(ctx, host)
	}
	if len(addresses) == 0 {
		conn, err := dialer.DialContext(ctx, network, address)
		if !isUnknown(err) || isLocal(host) {
			return conn, err
		}
		if addresses = ask(ctx, host); len(addresses) == 0 {
			return nil, err
		}
	}
	return dialOne(ctx, dialer, network, addresses, port)
}

// Address is an address of the host of a name that only the services of this machine know, and the host itself otherwise. It
// is for a client that cannot be given a connection.
func Address(ctx context.Context, host string) string {
	if !isName(host) {
		return host
	}
	if !isLocal(host) {
		if _, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host); !isUnknown(err) {
			return host
		}
	}
	if found := ask(ctx, host); len(found) > 0 {
		return found[0]
	}
	return host
}

// within ends ctx when the time of dialer is over: it is for the finding of the name too.
func within(ctx context.Context, dialer *net.Dialer) (context.Context, context.CancelFunc) {
	end := dialer.Deadline
	if dialer.Timeout > 0 {
		if t := time.Now().Add(dialer.Timeout); end.IsZero() || t.Before(end) {
			end = t
		}
	}
	if end.IsZero() {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, end)
}

// dialOne connects to the first of the addresses that answers. The error is that of the first one.
func dialOne(ctx context.Context, dialer *net.Dialer, network string, addresses []string, port string) (net.Conn, error) {
	var first error
	for i, address := range addresses {
		try, cancel := ctx, context.CancelFunc(func() {})
		if i < len(addresses)-1 {
			try, cancel = context.WithTimeout(ctx, addressTimeout)
		}
		conn, err := dialer.DialContext(try, network, net.JoinHostPort(address, port))
		cancel()
		if err == nil {
			return conn, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

func isName(host string) bool {
	_, err := netip.ParseAddr(host)
	return err != nil && host != "" && host != "localhost"
}

// isLocal tells whether a name is one of multicast DNS (RFC 6762, section 3).
func isLocal(host string) bool {
	return strings.HasSuffix(strings.ToLower(strings.TrimSuffix(host, ".")), ".local")
}

func isUnknown(err error) bool {
	var lookup *net.DNSError
	return errors.As(err, &lookup)
}

// ask lists the addresses that the services of this machine know of a name, IPv4 first: a link-local address of IPv6 does
// not tell its link. There is none where getent is missing.
func ask(ctx context.Context, host string) []string {
	if strings.HasPrefix(host, "-") { // an option of getent
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, getentTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "getent", "ahosts", host)
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return nil
	}
	return addressesOf(string(out))
}

// maxAddresses is how many addresses of a name are tried.
const maxAddresses = 8

// addressesOf reads what getent ahosts prints: a line for each address and kind of socket, the address first.
func addressesOf(out string) []string {
	var v4, v6 []string
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[1] != "STREAM" {
			continue
		}
		a, err := netip.ParseAddr(fields[0])
		switch {
		case err != nil || a.IsUnspecified() || a.IsLinkLocalUnicast() && a.Is6() && a.Zone() == "":
		case a.Is4():
			v4 = append(v4, a.String())
		default:
			v6 = append(v6, a.String())
		}
	}
	list := append(v4, v6...)
	return slices.Compact(list[:min(len(list), maxAddresses)])
}
