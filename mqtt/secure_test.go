package mqtt

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/listeners"
)

func TestOverTLS(t *testing.T) {
	ca := newSigner(t)
	broker := newMosquitto(t)
	broker.kill()
	broker.scheme = "mqtts"
	serve := func(from, to time.Time) {
		cert, key := ca.sign(t, from, to)
		broker.write("cert.pem", cert)
		broker.write("key.pem", key)
		broker.configure("allow_anonymous true", "certfile "+broker.file("cert.pem"), "keyfile "+broker.file("key.pem"))
		broker.start()
	}
	p := defaultLimits()
	p.firstRetry, p.lastRetry = 20*time.Millisecond, 200*time.Millisecond

	now := time.Now()
	serve(now.Add(time.Hour), now.Add(2*time.Hour)) // or our clock is an hour slow
	cfg := config(broker.url())
	cfg.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	d := startDaemon(t, cfg, p)
	eventually(t, "the missing authority is logged", func() bool { return len(d.log.with("broker login cannot be read")) == 1 })
	if err := os.WriteFile(cfg.CAFile, []byte(ca.pem), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the clock is logged", func() bool { return len(d.log.with("timedatectl")) == 1 })

	broker.kill()
	serve(now.Add(-time.Hour), now.Add(time.Hour))
	eventually(t, "we are in", func() bool { return len(d.log.with("broker back")) == 1 })

	stranger := config(broker.url())
	s := startDaemon(t, stranger, p)
	eventually(t, "the stranger is logged", func() bool { return len(s.log.with("ca_file")) == 1 })

	r, err := Send(t.Context(), cfg, "start")
	if err != nil || r.Status != "ok" {
		t.Errorf("Send: %+v, %v", r, err)
	}
}

func TestOverWebsocket(t *testing.T) {
	broker := newEmbedded(t)
	ws := listeners.NewWebsocket(listeners.Config{ID: "ws", Address: fmt.Sprintf("127.0.0.1:%d", freePort(t))})
	if err := broker.server.AddListener(ws); err != nil {
		t.Fatal(err)
	}
	broker.server.Listeners.Serve("ws", broker.server.EstablishConnection)
	cfg := config("ws://" + ws.Address())
	d := startDaemon(t, cfg, defaultLimits())
	ear := listen(t, broker.Address())
	ear.await(0, "guided/mat/status", "online")
	if r, err := Send(t.Context(), cfg, "start 4-4-6"); err != nil || r.Command != "start" {
		t.Errorf("Send: %+v, %v", r, err)
	}
	d.stop()
	ear.await(0, "guided/mat/status", "offline")
}

func TestABrokerThatAsksWhoWeAre(t *testing.T) {
	ca := newSigner(t)
	broker := newMosquitto(t)
	broker.kill()
	broker.scheme = "mqtts"
	now := time.Now()
	cert, key := ca.sign(t, now.Add(-time.Hour), now.Add(time.Hour))
	broker.write("cert.pem", cert)
	broker.write("key.pem", key)
	broker.write("ca.pem", ca.pem)
	broker.configure("allow_anonymous true", "certfile "+broker.file("cert.pem"), "keyfile "+broker.file("key.pem"),
		"cafile "+broker.file("ca.pem"), "require_certificate true")
	broker.start()
	p := defaultLimits()
	p.firstRetry, p.lastRetry = 20*time.Millisecond, 200*time.Millisecond

	cfg := config(broker.url())
	cfg.CAFile = broker.file("ca.pem")
	nobody := startDaemon(t, cfg, p)
	eventually(t, "who shows nothing is told what to do", func() bool { return len(nobody.log.with("refuses our certificate")) == 1 })

	cfg.CertFile, cfg.KeyFile = filepath.Join(t.TempDir(), "our.pem"), filepath.Join(t.TempDir(), "our.key")
	d := startDaemon(t, cfg, p)
	eventually(t, "a missing certificate is logged", func() bool { return len(d.log.with("broker login cannot be read")) == 1 })
	stranger, strangerKey := newSigner(t).sign(t, now.Add(-time.Hour), now.Add(time.Hour))
	give(t, cfg, stranger, strangerKey)
	eventually(t, "a certificate of a stranger's is logged", func() bool { return len(d.log.with("refuses our certificate")) == 1 })
	our, ourKey := ca.sign(t, now.Add(-time.Hour), now.Add(time.Hour))
	give(t, cfg, our, ourKey)
	eventually(t, "we are in", func() bool { return len(d.log.with("broker back")) == 1 })
	if r, err := Send(t.Context(), cfg, "start"); err != nil || r.Status != "ok" {
		t.Errorf("Send: %+v, %v", r, err)
	}
	if wrong := cfg.Check(); len(wrong) > 0 {
		t.Errorf("Check: %q", wrong)
	}
}

// give puts our certificate and key where cfg has them.
func give(t *testing.T, cfg Config, cert, key string) {
	t.Helper()
	for file, text := range map[string]string{cfg.CertFile: cert, cfg.KeyFile: key} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOverMosquittosWebsockets(t *testing.T) {
	ca := newSigner(t)
	now := time.Now()
	for _, scheme := range []string{"ws", "wss"} {
		t.Run(scheme, func(t *testing.T) {
			broker := newMosquitto(t)
			broker.kill()
			broker.scheme = scheme
			plain := broker.port // without a listener of this kind mosquitto 2.0.11 does not start
			broker.port = freePort(t)
			conf := []string{"protocol websockets"}
			cfg := config(broker.url() + "/mqtt")
			if scheme == "wss" {
				cert, key := ca.sign(t, now.Add(-time.Hour), now.Add(time.Hour))
				broker.write("cert.pem", cert)
				broker.write("key.pem", key)
				broker.write("ca.pem", ca.pem)
				conf = append(conf, "certfile "+broker.file("cert.pem"), "keyfile "+broker.file("key.pem"))
				cfg.CAFile = broker.file("ca.pem")
			}
			broker.configure(append(conf, fmt.Sprintf("listener %d 127.0.0.1", plain), "allow_anonymous true")...)
			broker.start()
			p := defaultLimits()
			p.firstRetry = 20 * time.Millisecond
			d := startDaemon(t, cfg, p)
			eventually(t, "we are in", func() bool { return len(d.log.with("broker connected"))+len(d.log.with("broker back")) > 0 })
			if r, err := Send(t.Context(), cfg, "start 4-4-6"); err != nil || r.Command != "start" {
				t.Errorf("Send: %+v, %v", r, err)
			}
		})
	}
}

type signer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

func newSigner(t *testing.T) *signer {
	a := &signer{cert: &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a house"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	a.pem = certify(t, a.cert, a.cert, a.key, a.key)
	return a
}

func (a *signer) sign(t *testing.T, from, to time.Time) (cert, key string) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert = certify(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: from, NotAfter: to, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, k, a.key)
	raw, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return cert, string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: raw}))
}

func certify(t *testing.T, c, by *x509.Certificate, key, byKey *ecdsa.PrivateKey) string {
	raw, err := x509.CreateCertificate(rand.Reader, c, by, &key.PublicKey, byKey)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: raw})
	return strings.TrimSpace(b.String()) + "\n"
}
