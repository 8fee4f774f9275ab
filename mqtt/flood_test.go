package mqtt

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"guided/audio/mix"
	"guided/player"
	"guided/routines"
)

// TestRunCarriesOutAStopInAFlood sends a stop in the middle of ten thousand commands, of which one is being carried out and
// takes its time: the stop comes before its end, and so before all others.
func TestRunCarriesOutAStopInAFlood(t *testing.T) {
	if testing.Short() {
		t.Skip("a flood takes a while")
	}
	const many = 10_000
	brokers := map[string]func(t *testing.T) Options{
		"mosquitto": func(t *testing.T) Options { return testOptions(newMosquitto(t).url()) },
		"embedded": func(t *testing.T) Options {
			broker := newEmbedded(t)
			o := testOptions(broker.Address())
			o.Config = broker.Own(o.Config)
			return o
		},
	}
	test := func(t *testing.T, options Options) {
		url := options.Broker
		for _, qos := range []byte{0, 1} {
			t.Run(fmt.Sprintf("QoS %d", qos), func(t *testing.T) {
				library := routines.Library{fstest.MapFS{"quiet.toml": {Data: []byte("title = \"Quiet\"\n[[step]]\nrest = \"10m\"\n")}}}
				log := slog.New(slog.DiscardHandler)
				p := player.New(player.Config{Library: library, Bank: mix.NewBank(nil, nil, func(context.Context, string) (fs.File, error) { return nil, fs.ErrNotExist }, log),
					Volume: 50, ClockTrusted: func() bool { return true }, Log: log})
				var starts atomic.Int32
				stopped, held := make(chan struct{}), make(chan struct{})
				var stop, hold sync.Once
				startDaemonWith(t, options, defaultLimits(), func(payload []byte, _ string) player.Response {
					if strings.Contains(string(payload), `"stop"`) {
						defer stop.Do(func() { close(stopped) })
					} else if starts.Add(1) > 1 {
						hold.Do(func() { close(held) })
						select {
						case <-stopped:
						case <-t.Context().Done():
						}
					}
					return p.DoPayload(payload)
				})
				flood := newTestClient(t, url)
				flood.await(0, "guided/mat/status", "online")
				var sending sync.WaitGroup
				sending.Go(func() {
					for range many {
						flood.client.Publish("guided/mat/command", qos, false, "start quiet")
					}
				})
				defer sending.Wait()
				flood.await(0, "guided/mat/response", "start") // it has begun
				<-held
				ctx, end := context.WithTimeout(t.Context(), 20*time.Second)
				defer end()
				r, err := Send(ctx, testOptions(url), `{"command":"stop","transaction":"mine"}`)
				if err != nil || r.Status != "ok" {
					t.Errorf("answered %+v, %v", r, err)
				}
				select {
				case <-stopped:
				default:
					t.Error("a stop waits for the commands before it")
				}
			})
		}
	}
	for name, options := range brokers {
		t.Run(name, func(t *testing.T) { test(t, options(t)) })
	}
}
