package mqtt

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"os"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// dial opens the way to the broker. We dial ourselves, because paho's own dialling cannot be called off, and
// because an open way that we hold can be cut when paho is stuck on it.
func dial(ctx context.Context, u *url.URL, cfg Config) (net.Conn, error) {
	var d net.Dialer
	switch u.Scheme {
	case "mqtt", "tcp":
		return d.DialContext(ctx, "tcp", u.Host)
	case "ws":
		return dialWebsocket(ctx, u, nil)
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: u.Hostname()}
	if cfg.CAFile != "" {
		pool, err := authority(cfg.CAFile)
		if err != nil {
			return nil, err
		}
		conf.RootCAs = pool
	}
	if cfg.CertFile != "" {
		own, err := cfg.certificate()
		if err != nil {
			return nil, err
		}
		conf.Certificates = []tls.Certificate{own}
	}
	if u.Scheme == "wss" {
		return dialWebsocket(ctx, u, conf)
	}
	return (&tls.Dialer{NetDialer: &d, Config: conf}).DialContext(ctx, "tcp", u.Host)
}

// certificate is by which the broker knows us.
func (c Config) certificate() (tls.Certificate, error) {
	own, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
	if err != nil {
		return own, &secretError{fmt.Errorf("%s with %s: %w", c.CertFile, c.KeyFile, err)}
	}
	return own, nil
}

func authority(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, &secretError{err}
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, &secretError{fmt.Errorf("%s holds no certificate in PEM form", file)}
	}
	return pool, nil
}

// dialWebsocket leaves the dialling behind when ctx ends, for paho offers no way to call it off: it then ends by
// itself, at the latest with its own time, and closes what it got.
func dialWebsocket(ctx context.Context, u *url.URL, conf *tls.Config) (net.Conn, error) {
	patience := 10 * time.Second
	if end, ok := ctx.Deadline(); ok {
		patience = time.Until(end)
	}
	type result struct {
		conn net.Conn
		err  error
	}
	got := make(chan result)
	go func() {
		c, err := paho.NewWebsocket(u.String(), conf, max(patience, time.Millisecond), nil, nil)
		select {
		case got <- result{c, err}:
		case <-ctx.Done():
			if c != nil {
				c.Close()
			}
		}
	}()
	select {
	case r := <-got:
		return r.conn, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
