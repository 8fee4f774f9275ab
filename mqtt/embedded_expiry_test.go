package mqtt

import (
	"net"
	"os"
	"os/exec"
	"testing"
)

// runMosquittoClient runs one of mosquitto's clients, with MQTT 5, on a broker to its end.
func runMosquittoClient(t *testing.T, broker *Broker, program string, args ...string) {
	t.Helper()
	if out, err := mosquittoClient(broker, program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

func mosquittoClient(broker *Broker, program string, args ...string) *exec.Cmd {
	host, port, _ := net.SplitHostPort(broker.listener.Addr().String())
	return exec.Command(program, append([]string{"-V", "mqttv5", "-h", host, "-p", port}, args...)...)
}

func requireMosquittoClients(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("mosquitto_sub"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("mosquitto's clients are not installed, and CI must test with them")
		}
		t.Skip("mosquitto's clients are not installed")
	}
}

// What has an end is gone then, though no loop looks for it, and what has none stays.
func TestBrokerWithWhatExpires(t *testing.T) {
	requireMosquittoClients(t)
	broker, d, _ := newGuarded(t)
	runMosquittoClient(t, broker, "mosquitto_pub", "-t", "end/later", "-r", "-m", "x", "-D", "publish", "message-expiry-interval", "3600")
	runMosquittoClient(t, broker, "mosquitto_pub", "-t", "end/soon", "-r", "-m", "x", "-D", "publish", "message-expiry-interval", "1")
	runMosquittoClient(t, broker, "mosquitto_pub", "-t", "end/never", "-r", "-m", "x")
	runMosquittoClient(t, broker, "mosquitto_sub", "-t", "any", "-q", "1", "-i", "away-long", "-c", "-x", "3000", "-E")
	runMosquittoClient(t, broker, "mosquitto_sub", "-t", "any", "-q", "1", "-i", "away-short", "-c", "-x", "1", "-E")
	retained := func(topic string) bool { _, is := broker.server.Topics.Retained.Get(topic); return is }
	session := func(id string) bool { _, is := broker.server.Clients.Get(id); return is }
	eventually(t, "what ends soon is gone", func() bool { return !retained("end/soon") && !session("away-short") })
	if !retained("end/later") || !retained("end/never") || !session("away-long") {
		t.Error("something has expired before its time")
	}
	broker.guard.mu.Lock()
	_, counted := broker.guard.retained["end/soon"]
	broker.guard.mu.Unlock()
	if counted {
		t.Error("the message that has expired is still counted")
	}
	checkServed(t, broker, d)
}

// A last will that is to come later comes at once, and not never.
func TestBrokerWithADelayedWill(t *testing.T) {
	requireMosquittoClients(t)
	broker, _, _ := newGuarded(t)
	dying := mosquittoClient(broker, "mosquitto_sub", "-t", "guided/mat/status", "-i", "dying", "-x", "600", "--will-topic", "last/will", "--will-payload", "gone",
		"--will-retain", "-D", "will", "will-delay-interval", "600")
	if err := dying.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is connected", func() bool { _, is := broker.server.Clients.Get("dying"); return is })
	if err := dying.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = dying.Wait() // it was killed
	eventually(t, "its will is there", func() bool { _, is := broker.server.Topics.Retained.Get("last/will"); return is })
}
