package mqtt

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"guided/audio"
	"guided/audio/mix"
	"guided/player"
	"guided/routines"
)

// TestRunStartsOnlyOnFreshCommands gives a player commands while it is disconnected, retained, twice, late and in the wrong
// order. Each that is meant starts it once, and no other does.
func TestRunStartsOnlyOnFreshCommands(t *testing.T) {
	broker := newMosquitto(t, "allow_anonymous true")
	client := newTestClient(t, broker.url())
	library := routines.Library{fstest.MapFS{"quiet.toml": {Data: []byte("title = \"Quiet\"\n[[step]]\nrest = \"10m\"\n")}}}
	log := slog.New(slog.DiscardHandler)
	options := testOptions(broker.url())
	var d *daemon
	var starts atomic.Int32
	arrive := func() {
		// Without its Run the player takes commands and plays nothing.
		p := player.New(player.Config{Library: library, Bank: mix.NewBank(nil, nil, audio.InFolders(), log),
			Volume: 50, ClockTrusted: func() bool { return true }, Log: log})
		skip := len(client.all())
		d = startDaemonWith(t, options, defaultLimits(), func(payload []byte, _ string) player.Response {
			idle := p.State().State == player.Idle
			r := p.DoPayload(payload)
			if idle && p.State().State != player.Idle {
				starts.Add(1)
			}
			return r
		})
		client.await(skip, "guided/mat/status", "online")
	}
	// settle waits until every command before it is answered.
	settle := func(name string) {
		skip := len(client.all())
		client.publish("guided/mat/command", fmt.Sprintf(`{"command":"status","transaction":%q}`, name))
		client.await(skip, "guided/mat/response", name)
	}
	arrive()
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 200 {
		name := fmt.Sprintf("sequence %d", i)
		before, meant := starts.Load(), int32(0)
		now := func(ago time.Duration) string { return time.Now().Add(-ago).UTC().Format(time.RFC3339Nano) }
		start := func(sent string, transaction int) string {
			return fmt.Sprintf(`{"command":"start","routine":"quiet","sent_at":%q,"transaction":"%s %d"}`, sent, name, transaction)
		}
		kind := r.IntN(6)
		switch kind {
		case 0: // given while the daemon is off
			d.stop()
			client.publish("guided/mat/command", start(now(0), 1))
			arrive()
		case 1: // retained, with or without a restart
			client.publishRetained("guided/mat/command", start(now(0), 1))
			if meant = 1; r.IntN(2) == 0 { // a running daemon receives it as a new one
				settle(name + " received")
				d.stop()
				arrive()
			}
			settle(name + " again")
			client.publishRetained("guided/mat/command", "")
		case 2: // twice
			command := start(now(0), 1)
			client.publish("guided/mat/command", command)
			settle(name + " between")
			client.publish("guided/mat/command", "stop")
			client.publish("guided/mat/command", command)
			meant = 1
		case 3: // late
			client.publish("guided/mat/command", start(now(31*time.Second+time.Duration(r.IntN(100_000))*time.Second), 1))
		case 4: // overtaken by the stop that came after it
			given := now(time.Second)
			client.publish("guided/mat/command", fmt.Sprintf(`{"command":"stop","sent_at":%q}`, now(0)))
			client.publish("guided/mat/command", start(given, 1))
		case 5: // meant
			client.publish("guided/all/command", start(now(0), 1))
			meant = 1
		}
		settle(name + " over")
		if got := starts.Load() - before; got != meant {
			t.Fatalf("%s (%d): started %d times, meant %d", name, kind, got, meant)
		}
		client.publish("guided/mat/command", "stop")
		settle(name + " quiet")
	}
}
