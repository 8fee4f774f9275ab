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

// TestRunCarriesOutAStopInAFlood sends a stop in the middle of ten thousand commands, and measures when it reaches the
// player and when it is answered. The bound is a generous multiple of what a person would notice.
func TestRunCarriesOutAStopInAFlood(t *testing.T) {
	if testing.Short() {
		t.Skip("a flood takes a while")
	}
	const many, bound = 10_000, 2 * time.Second
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
				var stopped atomic.Int64
				startDaemonWith(t, options, defaultLimits(), func(payload []byte, _ string) player.Response {
					r := p.DoPayload(payload)
					if strings.Contains(string(payload), `"stop"`) {
						stopped.CompareAndSwap(0, time.Now().UnixNano())
					}
					return r
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
				time.Sleep(20 * time.Millisecond)
				sent := time.Now()
				ctx, end := context.WithTimeout(t.Context(), 20*time.Second)
				defer end()
				r, err := Send(ctx, testOptions(url), `{"command":"stop","transaction":"mine"}`)
				answered := time.Since(sent)
				if err != nil || r.Status != "ok" {
					t.Fatalf("answered %+v, %v", r, err)
				}
				reached := time.Unix(0, stopped.Load()).Sub(sent)
				t.Logf("carried out after %v, answered after %v", reached.Round(time.Millisecond), answered.Round(time.Millisecond))
				if reached > bound {
					t.Errorf("the stop was carried out after %v", reached)
				}
			})
		}
	}
	for name, options := range brokers {
		t.Run(name, func(t *testing.T) { test(t, options(t)) })
	}
}
