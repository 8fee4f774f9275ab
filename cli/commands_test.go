package cli

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"guided/audio"
	"guided/audio/mix"
	"guided/audio/output"
	"guided/history"
	"guided/history/place"
	"guided/player"
	"guided/routines"
)

// Whoever ends a routine and pulls the plug is not to hear it again, whatever the remote: when others hear of the command,
// no file of the next process has the session.
func TestWhatEndsASessionIsKeptAtOnce(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	long := []byte("title = \"Long\"\n[[step]]\nhold = \"10m\"\n")
	library := routines.Library{fstest.MapFS{"long.toml": {Data: long}, "other.toml": {Data: bytes.Replace(long, []byte("Long"), []byte("Other"), 1)}}}
	out, _, err := output.OpenAll([]output.Config{{Spec: "null", Volume: 100}}, 0, log)
	if err != nil {
		t.Fatal(err)
	}
	play := player.New(player.Config{Library: library, Bank: mix.NewBank(nil, nil, audio.InFolders(library...), log), Output: out, Volume: 60, Log: log})
	file := filepath.Join(t.TempDir(), "place.json")
	machine := place.ThisMachine(func() bool { return true }, func() bool { return false })
	keeper := place.Open(file, place.Resume{Mode: place.Ask, Within: time.Hour}, 60, machine, history.NewKeeper(filepath.Join(t.TempDir(), history.FileName), time.UTC, log), log)
	ctx, cancel := context.WithCancel(t.Context())
	var parts sync.WaitGroup
	parts.Go(func() { play.Run(ctx) })
	parts.Go(func() { keeper.Keep(ctx, play) })
	defer parts.Wait()
	defer cancel()
	people := newUserCommands(play, nil, keeper)
	kept := func() []byte {
		var all []byte
		for _, name := range []string{file, file + ".bak"} {
			data, _ := os.ReadFile(name) // one that is not there has no session
			all = append(all, data...)
		}
		return all
	}
	for _, c := range []player.Command{{Verb: "stop"}, {Verb: "start", Routine: "other"}} {
		t.Run("a key, which waits for no answer: "+c.Verb, func(t *testing.T) {
			if r := play.Do(player.Command{Verb: "start", Routine: "long"}); r.Error != "" {
				t.Fatal(r.Error)
			}
			for end := time.Now().Add(time.Minute); !bytes.Contains(kept(), []byte(`"routine":"long"`)); <-time.After(time.Millisecond) {
				if time.Now().After(end) {
					t.Fatal("the session is not kept")
				}
			}
			people.submit(c)
			if verb := <-people.verbs; verb != c.Verb || bytes.Contains(kept(), []byte(`"routine":"long"`)) {
				t.Errorf("%s is told, and the file has %s", verb, kept())
			}
		})
	}
}
