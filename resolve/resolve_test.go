package resolve_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"guided/resolve"
)

// getent puts a program of that name, a shell script, in front of the machine's own.
func getent(t *testing.T, script string) (asked func() string) {
	t.Helper()
	dir := t.TempDir()
	log := filepath.Join(dir, "asked")
	if err := os.WriteFile(filepath.Join(dir, "getent"), []byte("#!/bin/sh\necho \"$@\" >>"+log+"\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return func() string {
		list, _ := os.ReadFile(log)
		return string(list)
	}
}

// listen accepts on loopback, and returns the port.
func listen(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func TestDial(t *testing.T) {
	port := listen(t)
	for name, tt := range map[string]struct {
		host, script string
		fails, asks  bool
	}{
		"an address is not looked up":              {host: "127.0.0.1"},
		"this machine":                             {host: "localhost"},
		"a name in .local":                         {host: "pi.local", script: "echo '127.0.0.1 STREAM pi.local'", asks: true},
		"in capitals, with a dot at the end":       {host: "Pi.LOCAL.", script: "echo '127.0.0.1 STREAM pi.local'", asks: true},
		"a name of another service":                {host: "printer.invalid", script: "echo '127.0.0.1 STREAM'", asks: true},
		"every kind of socket is listed":           {host: "pi.local", script: "printf '127.0.0.1 STREAM pi.local\\n127.0.0.1 DGRAM\\n127.0.0.1 RAW\\n'", asks: true},
		"the first of two addresses does not work": {host: "pi.local", script: "printf '127.0.0.2 STREAM x\\n127.0.0.1 STREAM\\n'", asks: true},
		"an address of IPv6 before one of IPv4":    {host: "pi.local", script: "printf '::2 STREAM x\\n127.0.0.1 STREAM\\n'", asks: true},
		"link-local addresses without their link":  {host: "pi.local", script: "printf 'fe80::1 STREAM x\\n127.0.0.1 STREAM\\n'", asks: true},
		"nothing knows it":                         {host: "pi.local", script: "exit 2", fails: true, asks: true},
		"only addresses that are none":             {host: "pi.local", script: "echo '0.0.0.0 STREAM pi.local'; echo 'a STREAM'; echo 127.0.0.1; echo", fails: true, asks: true},
		"something else is printed":                {host: "pi.local", script: "head -c 100000 /dev/zero", fails: true, asks: true},
		"a name that would be an option":           {host: "--help.invalid", script: "echo '127.0.0.1 STREAM'", fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			asked := getent(t, tt.script)
			conn, err := resolve.Dial(t.Context(), &net.Dialer{Timeout: 10 * time.Second}, "tcp", net.JoinHostPort(tt.host, port))
			if err == nil {
				conn.Close()
			}
			if (err != nil) != tt.fails {
				t.Errorf("the error is %v", err)
			}
			if lookup := new(net.DNSError); tt.fails && !errors.As(err, &lookup) {
				t.Errorf("%v is no error of a name", err)
			}
			if (asked() != "") != tt.asks || tt.asks && !strings.Contains(asked(), "ahosts "+tt.host) {
				t.Errorf("getent was asked %q", asked())
			}
		})
	}
}

func TestDialWhileTheServicesHang(t *testing.T) {
	getent(t, "sleep 60 & wait") // with a child that holds the pipe
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, err := resolve.Dial(ctx, &net.Dialer{}, "tcp", "pi.local:1883")
		ended <- err
	}()
	cancel()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("it has connected")
		}
	case <-time.After(20 * time.Second):
		t.Error("it goes on after its context has ended")
	}
}

func TestDialWithoutGetent(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := resolve.Dial(t.Context(), &net.Dialer{Timeout: time.Second}, "tcp", "pi.local:1883"); err == nil {
		t.Error("it has connected")
	}
}

func TestAddress(t *testing.T) {
	getent(t, "case $2 in pi.local) printf '10.1.2.3 STREAM pi.local\\n10.1.2.4 STREAM\\n' ;; *) exit 2 ;; esac")
	for host, want := range map[string]string{
		"pi.local": "10.1.2.3", "127.0.0.1": "127.0.0.1", "::1": "::1", "localhost": "localhost", "": "",
		"no.local": "no.local", // who connects says that nobody knows it
	} {
		if got := resolve.Address(t.Context(), host); got != want {
			t.Errorf("%q is %q, want %q", host, got, want)
		}
	}
}
