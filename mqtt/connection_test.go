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
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
)

// A refuseSubscription refuses subscriptions to a topic while it is on: it replaces the filter by an invalid one.
type refuseSubscription struct {
	mochi.HookBase
	topic string
	on    atomic.Bool
}

func (f *refuseSubscription) ID() string              { return "refuse-subscription" }
func (f *refuseSubscription) Provides(what byte) bool { return what == mochi.OnSubscribe }

func (f *refuseSubscription) OnSubscribe(_ *mochi.Client, pk packets.Packet) packets.Packet {
	for i := range pk.Filters {
		if f.on.Load() && pk.Filters[i].Filter == f.topic {
			pk.Filters[i].Filter = "#/#"
		}
	}
	return pk
}

func newMosquittoWithPassword(t *testing.T) *mosquitto {
	broker := newMosquitto(t)
	broker.password("guided", "right")
	broker.kill()
	broker.configure("allow_anonymous false", "password_file "+broker.file("users"))
	broker.start()
	return broker
}

func withLogin(user, password string) func(*paho.ClientOptions) {
	return func(o *paho.ClientOptions) { o.SetUsername(user).SetPassword(password) }
}

func TestConnectionWithWrongPassword(t *testing.T) {
	broker := newMosquittoWithPassword(t)
	options := testOptions(broker.url())
	options.User, options.Password = "guided", "wrong"
	p := defaultLimits()
	p.firstRetry = 50 * time.Millisecond
	d := startDaemon(t, options, p)
	eventually(t, "it is logged", func() bool { return len(d.log.with("broker refuses our login")) == 1 })
	if line := d.log.with("refuses")[0]; !strings.Contains(line, "password_file") || strings.Contains(line, "wrong") {
		t.Errorf("logged: %s", line)
	}
	time.Sleep(300 * time.Millisecond) // time for more tries
	broker.password("guided", "wrong")
	broker.signal(syscall.SIGHUP)
	eventually(t, "the login is accepted", func() bool { return len(d.log.with("broker back")) == 1 })
	newTestClient(t, broker.url(), withLogin("guided", "wrong")).await(0, "guided/mat/status", "online")
	if n := len(d.log.with("")); n != 2 {
		t.Errorf("%d lines were logged: %q", n, d.log.with(""))
	}
}

func TestConnectionReadsPasswordFileAtEveryConnect(t *testing.T) {
	broker := newMosquittoWithPassword(t)
	proxy := newProxy(t, broker.address())
	options := testOptions(proxy.url())
	options.User, options.PasswordFile = "guided", filepath.Join(t.TempDir(), "password")
	p := defaultLimits()
	p.firstRetry = 50 * time.Millisecond
	write := func(password string) {
		if err := os.WriteFile(options.PasswordFile, []byte(password+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	d := startDaemon(t, options, p) // the file is not there yet
	eventually(t, "it is logged", func() bool { return len(d.log.with("broker login cannot be read")) == 1 })
	write("wrong")
	eventually(t, "it is logged", func() bool { return len(d.log.with("broker refuses our login")) == 1 })
	write("right")
	client := newTestClient(t, broker.url(), withLogin("guided", "right"))
	client.await(0, "guided/mat/status", "online")

	broker.password("guided", "new")
	broker.signal(syscall.SIGHUP)
	write("new")
	proxy.cut()
	eventually(t, "we are connected again", func() bool { return len(d.log.with("broker back")) == 2 })
	client = newTestClient(t, broker.url(), withLogin("guided", "new"))
	client.publish("guided/mat/command", "start")
	client.await(0, "guided/mat/response", `"ok"`)
}

func TestConnectionWithRefusedSubscription(t *testing.T) {
	broker := newEmbedded(t)
	hook := &refuseSubscription{topic: "guided/mat/command"}
	hook.on.Store(true)
	if err := broker.server.AddHook(hook, nil); err != nil {
		t.Fatal(err)
	}
	p := defaultLimits()
	p.firstRetry = 20 * time.Millisecond
	client := newTestClient(t, broker.Address())
	d := startDaemon(t, testOptions(broker.Address()), p)
	eventually(t, "it is logged", func() bool { return len(d.log.with("broker refuses our topics")) == 1 })
	if n := len(client.on("guided/mat/status")); n > 0 && client.on("guided/mat/status")[0].payload == "online" {
		t.Error("we are online without the subscription to commands")
	}
	hook.on.Store(false)
	client.await(0, "guided/mat/status", "online")
	if n := len(d.log.with("refuses our topics")); n != 1 {
		t.Errorf("logged %d times", n)
	}
}

func TestConnectionOverTLS(t *testing.T) {
	ca := newTestCA(t)
	broker := newMosquitto(t)
	broker.kill()
	broker.scheme = "mqtts"
	serve := func(from, to time.Time) {
		cert, key := ca.certificate(t, from, to)
		broker.write("cert.pem", cert)
		broker.write("key.pem", key)
		broker.configure("allow_anonymous true", "certfile "+broker.file("cert.pem"), "keyfile "+broker.file("key.pem"))
		broker.start()
	}
	p := defaultLimits()
	p.firstRetry, p.lastRetry = 20*time.Millisecond, 200*time.Millisecond

	now := time.Now()
	serve(now.Add(time.Hour), now.Add(2*time.Hour)) // as if our clock were an hour slow
	options := testOptions(broker.url())
	options.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	d := startDaemon(t, options, p)
	eventually(t, "the missing ca_file is logged", func() bool { return len(d.log.with("broker login cannot be read")) == 1 })
	if err := os.WriteFile(options.CAFile, []byte(ca.pem), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the hint at the clock is logged", func() bool { return len(d.log.with("timedatectl")) == 1 })

	broker.kill()
	serve(now.Add(-time.Hour), now.Add(time.Hour))
	eventually(t, "we are connected", func() bool { return len(d.log.with("broker back")) == 1 })

	withoutCA := testOptions(broker.url())
	s := startDaemon(t, withoutCA, p)
	eventually(t, "the unknown authority is logged", func() bool { return len(s.log.with("ca_file")) == 1 })

	r, err := Send(t.Context(), options, "start")
	if err != nil || r.Status != "ok" {
		t.Errorf("Send: %+v, %v", r, err)
	}
}

func TestConnectionOverWebsocket(t *testing.T) {
	broker := newEmbedded(t)
	ws := listeners.NewWebsocket(listeners.Config{ID: "ws", Address: fmt.Sprintf("127.0.0.1:%d", freePort(t))})
	if err := broker.server.AddListener(ws); err != nil {
		t.Fatal(err)
	}
	broker.server.Listeners.Serve("ws", broker.server.EstablishConnection)
	options := testOptions("ws://" + ws.Address())
	d := startDaemon(t, options, defaultLimits())
	client := newTestClient(t, broker.Address())
	client.await(0, "guided/mat/status", "online")
	if r, err := Send(t.Context(), options, "start 4-4-6"); err != nil || r.Command != "start" {
		t.Errorf("Send: %+v, %v", r, err)
	}
	d.stop()
	client.await(0, "guided/mat/status", "offline")
}

func TestConnectionWithClientCertificate(t *testing.T) {
	ca := newTestCA(t)
	broker := newMosquitto(t)
	broker.kill()
	broker.scheme = "mqtts"
	now := time.Now()
	cert, key := ca.certificate(t, now.Add(-time.Hour), now.Add(time.Hour))
	broker.write("cert.pem", cert)
	broker.write("key.pem", key)
	broker.write("ca.pem", ca.pem)
	broker.configure("allow_anonymous true", "certfile "+broker.file("cert.pem"), "keyfile "+broker.file("key.pem"),
		"cafile "+broker.file("ca.pem"), "require_certificate true")
	broker.start()
	p := defaultLimits()
	p.firstRetry, p.lastRetry = 20*time.Millisecond, 200*time.Millisecond

	options := testOptions(broker.url())
	options.CAFile = broker.file("ca.pem")
	withoutCert := startDaemon(t, options, p)
	eventually(t, "the missing client certificate is logged", func() bool { return len(withoutCert.log.with("refuses our certificate")) == 1 })

	options.CertFile, options.KeyFile = filepath.Join(t.TempDir(), "our.pem"), filepath.Join(t.TempDir(), "our.key")
	d := startDaemon(t, options, p)
	eventually(t, "the unreadable certificate is logged", func() bool { return len(d.log.with("broker login cannot be read")) == 1 })
	foreign, foreignKey := newTestCA(t).certificate(t, now.Add(-time.Hour), now.Add(time.Hour))
	writeKeyPair(t, options, foreign, foreignKey)
	eventually(t, "the certificate of an unknown authority is logged", func() bool { return len(d.log.with("refuses our certificate")) == 1 })
	our, ourKey := ca.certificate(t, now.Add(-time.Hour), now.Add(time.Hour))
	writeKeyPair(t, options, our, ourKey)
	eventually(t, "we are connected", func() bool { return len(d.log.with("broker back")) == 1 })
	if r, err := Send(t.Context(), options, "start"); err != nil || r.Status != "ok" {
		t.Errorf("Send: %+v, %v", r, err)
	}
	if wrong := options.Check(); len(wrong) > 0 {
		t.Errorf("Check: %q", wrong)
	}
}

// writeKeyPair writes certificate and key to the files of options.
func writeKeyPair(t *testing.T, options Options, cert, key string) {
	t.Helper()
	for file, text := range map[string]string{options.CertFile: cert, options.KeyFile: key} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestConnectionOverWebsocketOfMosquitto(t *testing.T) {
	ca := newTestCA(t)
	now := time.Now()
	for _, scheme := range []string{"ws", "wss"} {
		t.Run(scheme, func(t *testing.T) {
			broker := newMosquitto(t)
			broker.kill()
			broker.scheme = scheme
			plain := broker.port // without a listener of this kind mosquitto 2.0.11 does not start
			broker.port = freePort(t)
			conf := []string{"protocol websockets"}
			options := testOptions(broker.url() + "/mqtt")
			if scheme == "wss" {
				cert, key := ca.certificate(t, now.Add(-time.Hour), now.Add(time.Hour))
				broker.write("cert.pem", cert)
				broker.write("key.pem", key)
				broker.write("ca.pem", ca.pem)
				conf = append(conf, "certfile "+broker.file("cert.pem"), "keyfile "+broker.file("key.pem"))
				options.CAFile = broker.file("ca.pem")
			}
			broker.configure(append(conf, fmt.Sprintf("listener %d 127.0.0.1", plain), "allow_anonymous true")...)
			broker.start()
			p := defaultLimits()
			p.firstRetry = 20 * time.Millisecond
			d := startDaemon(t, options, p)
			eventually(t, "we are connected", func() bool { return len(d.log.with("broker connected"))+len(d.log.with("broker back")) > 0 })
			if r, err := Send(t.Context(), options, "start 4-4-6"); err != nil || r.Command != "start" {
				t.Errorf("Send: %+v, %v", r, err)
			}
		})
	}
}

type testCA struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

func newTestCA(t *testing.T) *testCA {
	a := &testCA{cert: &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	a.pem = createCertificate(t, a.cert, a.cert, a.key, a.key)
	return a
}

func (a *testCA) certificate(t *testing.T, from, to time.Time) (cert, key string) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert = createCertificate(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: from, NotAfter: to, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, k, a.key)
	raw, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return cert, string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: raw}))
}

func createCertificate(t *testing.T, c, by *x509.Certificate, key, byKey *ecdsa.PrivateKey) string {
	raw, err := x509.CreateCertificate(rand.Reader, c, by, &key.PublicKey, byKey)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: raw})
	return strings.TrimSpace(b.String()) + "\n"
}
