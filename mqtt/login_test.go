package mqtt

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// forbids lets nobody hear a topic: it bends the wish into one that no broker can grant.
type forbids struct {
	mochi.HookBase
	topic string
	on    atomic.Bool
}

func (f *forbids) ID() string              { return "forbids" }
func (f *forbids) Provides(what byte) bool { return what == mochi.OnSubscribe }

func (f *forbids) OnSubscribe(_ *mochi.Client, pk packets.Packet) packets.Packet {
	for i := range pk.Filters {
		if f.on.Load() && pk.Filters[i].Filter == f.topic {
			pk.Filters[i].Filter = "#/#"
		}
	}
	return pk
}

func withPasswords(t *testing.T) *mosquitto {
	broker := newMosquitto(t)
	broker.password("guided", "right")
	broker.kill()
	broker.configure("allow_anonymous false", "password_file "+broker.file("users"))
	broker.start()
	return broker
}

func as(user, password string) func(*paho.ClientOptions) {
	return func(o *paho.ClientOptions) { o.SetUsername(user).SetPassword(password) }
}

func TestAWrongPasswordIsToldOnceAndMendedAtTheBroker(t *testing.T) {
	broker := withPasswords(t)
	cfg := config(broker.url())
	cfg.User, cfg.Password = "guided", "wrong"
	p := defaultLimits()
	p.firstRetry = 50 * time.Millisecond
	d := startDaemon(t, cfg, p)
	eventually(t, "it is logged", func() bool { return len(d.log.with("broker refuses our login")) == 1 })
	if line := d.log.with("refuses")[0]; !strings.Contains(line, "password_file") || strings.Contains(line, "wrong") {
		t.Errorf("logged: %s", line)
	}
	time.Sleep(300 * time.Millisecond) // some more tries
	broker.password("guided", "wrong")
	broker.signal(syscall.SIGHUP)
	eventually(t, "we are let in", func() bool { return len(d.log.with("broker back")) == 1 })
	listen(t, broker.url(), as("guided", "wrong")).await(0, "guided/mat/status", "online")
	if n := len(d.log.with("")); n != 2 {
		t.Errorf("%d lines were logged: %q", n, d.log.with(""))
	}
}

func TestAPasswordFileIsReadAtEveryConnect(t *testing.T) {
	broker := withPasswords(t)
	cable := newProxy(t, broker.address())
	cfg := config(cable.url())
	cfg.User, cfg.PasswordFile = "guided", filepath.Join(t.TempDir(), "password")
	p := defaultLimits()
	p.firstRetry = 50 * time.Millisecond
	write := func(password string) {
		if err := os.WriteFile(cfg.PasswordFile, []byte(password+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	d := startDaemon(t, cfg, p) // the file is not there yet
	eventually(t, "it is logged", func() bool { return len(d.log.with("broker login cannot be read")) == 1 })
	write("wrong")
	eventually(t, "it is logged", func() bool { return len(d.log.with("broker refuses our login")) == 1 })
	write("right")
	ear := listen(t, broker.url(), as("guided", "right"))
	ear.await(0, "guided/mat/status", "online")

	broker.password("guided", "new")
	broker.signal(syscall.SIGHUP)
	write("new")
	cable.cut()
	eventually(t, "we are in again", func() bool { return len(d.log.with("broker back")) == 2 })
	ear = listen(t, broker.url(), as("guided", "new"))
	ear.say("guided/mat/command", "start")
	ear.await(0, "guided/mat/response", `"ok"`)
}

func TestTheBrokerForbidsOurTopics(t *testing.T) {
	broker := newEmbedded(t)
	hook := &forbids{topic: "guided/mat/command"}
	hook.on.Store(true)
	if err := broker.server.AddHook(hook, nil); err != nil {
		t.Fatal(err)
	}
	p := defaultLimits()
	p.firstRetry = 20 * time.Millisecond
	ear := listen(t, broker.Address())
	d := startDaemon(t, config(broker.Address()), p)
	eventually(t, "it is logged", func() bool { return len(d.log.with("broker refuses our topics")) == 1 })
	if n := len(ear.on("guided/mat/status")); n > 0 && ear.on("guided/mat/status")[0].payload == "online" {
		t.Error("we said that we are online, and are deaf")
	}
	hook.on.Store(false)
	ear.await(0, "guided/mat/status", "online")
	if n := len(d.log.with("refuses our topics")); n != 1 {
		t.Errorf("logged %d times", n)
	}
}
