package place

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/gopxl/beep/v2"
	"go.uber.org/goleak"

	"guided/audio"
	"guided/audio/mix"
	"guided/history"
	"guided/player"
	"guided/routines"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pacedOutput is a device in virtual time.
type pacedOutput struct{}

func (pacedOutput) Play(ctx context.Context, src beep.Streamer, heard func(int) int) error {
	block := make([][2]float64, audio.Rate/4)
	for total := 0; ; {
		n, ok := src.Stream(block)
		if total += n; !ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(n) * time.Second / audio.Rate):
		}
		heard(total)
	}
}

// life is one process, in virtual time: a player and its keeper on a file.
type life struct {
	*testing.T
	play *player.Player
	file string
	log  *safeBuffer
	keep *Keeper
	done *history.Keeper
	end  func() // in good order
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

var stillRoutines = fstest.MapFS{
	"still.toml":    {Data: []byte("title = \"Still\"\n[[step]]\nname = \"First\"\nhold = \"90m\"\n[[step]]\nname = \"Second\"\nhold = \"90m\"\n")},
	"brief.toml":    {Data: []byte("title = \"Brief\"\n[[step]]\nhold = \"5s\"\n")},
	"restless.toml": {Data: []byte("title = \"Restless\"\n" + strings.Repeat("[[step]]\nhold = \"1s\"\n", 900))},
}

// begin begins a process that keeps a history.
func begin(t *testing.T, file string, r Resume, m Machine) *life {
	t.Helper()
	return beginWith(t, file, r, m, true)
}

// beginWith begins a process. keeps is history.keep.
func beginWith(t *testing.T, file string, r Resume, m Machine, keeps bool) *life {
	t.Helper()
	l := &life{T: t, file: file, log: &safeBuffer{}}
	log := slog.New(slog.NewTextHandler(l.log, nil))
	library := routines.Library{stillRoutines}
	l.play = player.New(player.Config{
		Library: library, Bank: mix.NewBank(nil, nil, audio.InFolders(library...), log), Output: pacedOutput{}, Volume: 60, Waits: true, Log: log,
		Record: func(r player.Record) { l.done.Add(r) },
	})
	l.done = history.NewKeeper(l.historyFile(), time.UTC, slog.New(slog.DiscardHandler))
	l.done.Keep(keeps)
	k := Open(file, r, 60, m, l.done, log)
	l.keep = k
	l.play.Restore(k.Restored())
	ctx, cancel := context.WithCancel(context.Background())
	remotes, leave := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	parts.Go(func() {
		defer leave()
		keeping, end := context.WithCancel(context.Background())
		var keeper sync.WaitGroup
		keeper.Go(func() { l.done.Run(keeping) })
		l.play.Run(ctx)
		end()
		keeper.Wait()
	})
	parts.Go(func() { k.Keep(remotes, l.play) })
	l.end = sync.OnceFunc(func() { cancel(); parts.Wait() })
	synctest.Wait()
	return l
}

func (l *life) mustDo(words string) {
	l.Helper()
	if r := l.play.DoPayload([]byte(words)); r.Status != "ok" {
		l.Fatalf("%s: %s", words, r.Error)
	}
	if words == "stop" { // as the daemon does before it answers
		l.keep.Settle()
	}
	synctest.Wait()
}

// kill ends the process as kill -9 does: what it writes from here on is lost.
func (l *life) kill() {
	l.Helper()
	synctest.Wait()
	kept := l.onDisk()
	l.end()
	l.putBack(kept)
}

// virtualMachine is a machine whose clock is that of the bubble.
func virtualMachine(boot string) Machine {
	start := time.Now()
	m := fakeMachine()
	m.Boot, m.Now, m.Uptime = boot, time.Now, func() time.Duration { return time.Since(start) + time.Hour }
	return m
}

func TestKeeperOverARestart(t *testing.T) {
	ask, auto, never := Resume{Ask, 30 * time.Minute}, Resume{Auto, 30 * time.Minute}, Resume{Never, 30 * time.Minute}
	for name, tt := range map[string]struct {
		resume Resume
		before string // commands, and times to let pass
		end    string // kill, term
		boot   string // of the next process
		wait   string // before it
		state  player.Status
		offer  bool
		at     [2]float64 // the least and the most position that comes back, in seconds
	}{
		"a power cut, ask: offered":                     {ask, "start still|100s", "kill", "next", "1m", player.Idle, true, [2]float64{70, 100}},
		"a power cut, auto: it goes on":                 {auto, "start still|100s", "kill", "next", "1m", player.Playing, false, [2]float64{70, 100}},
		"a power cut right after next: in the step":     {auto, "start still|15s|next|1s", "kill", "next", "1m", player.Playing, false, [2]float64{5400, 5402}},
		"a restart, auto: it goes on":                   {auto, "start still|100s", "term", "same", "3s", player.Playing, false, [2]float64{99, 101}},
		"a crash, auto: offered":                        {auto, "start still|100s", "kill", "same", "2s", player.Idle, true, [2]float64{70, 100}},
		"a power cut in a pause, auto: offered":         {auto, "start still|50s|pause|2s", "kill", "next", "1m", player.Idle, true, [2]float64{49, 51}},
		"a power cut after two hours of pause: offered": {ask, "start still|50s|pause|2h", "kill", "next", "1m", player.Idle, true, [2]float64{49, 51}},
		"a power cut an hour ago: nothing":              {auto, "start still|100s", "kill", "next", "1h", player.Idle, false, [2]float64{}},
		"a power cut, never: nothing":                   {never, "start still|100s", "kill", "next", "1m", player.Idle, false, [2]float64{}},
		"a power cut after a stop: nothing":             {auto, "start still|100s|stop", "kill", "next", "1m", player.Idle, false, [2]float64{}},
		"a power cut after a stop of a pause: nothing":  {auto, "start still|100s|pause|1s|stop", "kill", "next", "1m", player.Idle, false, [2]float64{}},
		"a restart after a stop: nothing":               {auto, "start still|100s|stop|1s", "term", "same", "1m", player.Idle, false, [2]float64{}},
		"a power cut after the end: nothing":            {auto, "start brief|10s", "kill", "next", "1m", player.Idle, false, [2]float64{}},
		"a power cut before a sound: nothing":           {auto, "select still", "kill", "next", "1m", player.Idle, false, [2]float64{}},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "place.json")
			synctest.Test(t, func(t *testing.T) {
				l := begin(t, file, tt.resume, virtualMachine("same"))
				for _, words := range strings.Split(tt.before, "|") {
					if d, err := time.ParseDuration(words); err == nil {
						time.Sleep(d)
					} else {
						l.mustDo(words)
					}
				}
				if tt.end == "kill" {
					l.kill()
				} else {
					l.end()
				}
				d, _ := time.ParseDuration(tt.wait)
				time.Sleep(d)
				l = begin(t, file, tt.resume, virtualMachine(tt.boot))
				defer l.end()
				time.Sleep(time.Second)
				s := l.play.State()
				if s.State != tt.state || (s.ResumeOffer != nil) != tt.offer {
					t.Fatalf("%+v\n%s", s, l.log)
				}
				if tt.offer {
					l.mustDo("resume")
					time.Sleep(500 * time.Millisecond)
					s = l.play.State()
				}
				if s.State == player.Playing && (s.Position < tt.at[0] || s.Position > tt.at[1]+1) {
					t.Errorf("it goes on at %v s", s.Position)
				}
			})
		})
	}
	t.Run("an offer ends after its time, and is not made again", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "place.json")
		synctest.Test(t, func(t *testing.T) {
			l := begin(t, file, ask, virtualMachine("one"))
			l.mustDo("start still")
			time.Sleep(time.Minute)
			l.kill()
			l = begin(t, file, ask, virtualMachine("two"))
			time.Sleep(29 * time.Minute)
			if l.play.State().ResumeOffer == nil {
				t.Errorf("it ended too soon:\n%s", l.log)
			}
			time.Sleep(2 * time.Minute)
			if l.play.State().ResumeOffer != nil {
				t.Error("it stands for ever")
			}
			l.kill()
			l = begin(t, file, ask, virtualMachine("three"))
			defer l.end()
			if l.play.State().ResumeOffer != nil {
				t.Error("it is made again")
			}
		})
	})
	for name, dropped := range map[string]func(t *testing.T, file string){
		"never wants none": func(t *testing.T, file string) {
			begin(t, file, never, virtualMachine("two")).kill()
		},
		"a start after a crash loop restores none": func(t *testing.T, file string) {
			begin(t, file, ask, virtualMachine("one")).kill()
			begin(t, file, ask, virtualMachine("one")).kill()
			begin(t, file, ask, virtualMachine("one")).kill()
		},
	} {
		t.Run(name+", nor does the copy of the file bring it back", func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "place.json")
			synctest.Test(t, func(t *testing.T) {
				l := begin(t, file, ask, virtualMachine("one"))
				l.mustDo("start still")
				time.Sleep(time.Minute)
				l.kill()
				dropped(t, file)
				if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
					t.Fatal(err)
				}
				time.Sleep(6 * time.Minute)
				l = begin(t, file, ask, virtualMachine("three"))
				defer l.end()
				if l.play.State().ResumeOffer != nil {
					t.Errorf("it is offered:\n%s", l.log)
				}
			})
		})
	}
	t.Run("an offer outlives a second power cut, and then does not go on by itself", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "place.json")
		synctest.Test(t, func(t *testing.T) {
			l := begin(t, file, ask, virtualMachine("one"))
			l.mustDo("start still")
			time.Sleep(time.Minute)
			for _, boot := range []string{"two", "three"} {
				l.kill()
				l = begin(t, file, auto, virtualMachine(boot))
				if boot == "two" { // it is night, say: so it is offered
					l.mustDo("stop")
					l.mustDo("start still")
					time.Sleep(time.Minute)
					l.mustDo("pause")
				}
				time.Sleep(5 * time.Second)
			}
			if s := l.play.State(); s.ResumeOffer == nil {
				t.Fatalf("%+v\n%s", s, l.log)
			}
			l.kill()
			l = begin(t, file, auto, virtualMachine("four"))
			defer l.end()
			if s := l.play.State(); s.ResumeOffer == nil || s.State != player.Idle {
				t.Errorf("%+v\n%s", s, l.log)
			}
		})
	})
	t.Run("three crashes within five minutes: nothing is restored, and the state says so", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "place.json")
		synctest.Test(t, func(t *testing.T) {
			m := virtualMachine("one")
			l := begin(t, file, ask, m)
			l.mustDo("volume 20")
			l.mustDo("start still")
			time.Sleep(20 * time.Second)
			for i := range 3 {
				l.kill()
				time.Sleep(2 * time.Second)
				l = begin(t, file, ask, m)
				s := l.play.State()
				if safe := i == 2; safe != (s.ResumeOffer == nil) || safe != (s.Error != "") || safe != (s.Volume == 60) || safe != (s.Selected == "") {
					t.Errorf("after %d: %+v\n%s", i+1, s, l.log)
				}
			}
			defer l.end()
			l.mustDo("start still")
			time.Sleep(time.Second)
			if s := l.play.State(); s.State != player.Playing || s.Error != "" {
				t.Errorf("%+v", s)
			}
		})
	})
	t.Run("what is selected and the volume are kept, after some seconds or at the end", func(t *testing.T) {
		for _, killed := range []bool{false, true} {
			file := filepath.Join(t.TempDir(), "place.json")
			synctest.Test(t, func(t *testing.T) {
				l := begin(t, file, never, virtualMachine("one"))
				l.mustDo("select still")
				l.mustDo("volume 35")
				if killed {
					time.Sleep(6 * time.Second)
					l.kill()
				} else {
					l.end()
				}
				l = begin(t, file, never, virtualMachine("two"))
				defer l.end()
				if s := l.play.State(); s.Selected != "still" || s.Volume != 35 {
					t.Errorf("%+v", s)
				}
			})
		}
	})
	t.Run("the folder cannot be written to: it is told once, and everything else works", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) {
			l := begin(t, filepath.Join(file, "place.json"), auto, virtualMachine("one"))
			l.mustDo("start still")
			time.Sleep(10 * time.Minute)
			l.mustDo("next")
			l.mustDo("stop")
			time.Sleep(time.Second)
			if s := l.play.State(); s.State != player.Idle || s.Error != "" {
				t.Errorf("%+v", s)
			}
			l.end()
			if n := strings.Count(l.log.String(), "cannot be written"); n != 1 {
				t.Errorf("it is told %d times:\n%s", n, l.log)
			}
		})
	})
}

// Settle returns when the file says that the session has ended.
func TestSettleAfterAStop(t *testing.T) {
	file := filepath.Join(t.TempDir(), "place.json")
	synctest.Test(t, func(t *testing.T) {
		log := slog.New(slog.DiscardHandler)
		m := virtualMachine("one")
		k := Open(file, Resume{Auto, time.Hour}, 60, m, history.NewKeeper(file+".history", time.UTC, log), log)
		library := routines.Library{stillRoutines}
		play := player.New(player.Config{Library: library, Bank: mix.NewBank(nil, nil, audio.InFolders(library...), log), Output: pacedOutput{}, Volume: 60, Log: log})
		ctx, cancel := context.WithCancel(t.Context())
		var parts sync.WaitGroup
		parts.Go(func() { play.Run(ctx) })
		parts.Go(func() { k.Keep(ctx, play) })
		defer parts.Wait()
		defer cancel()
		for range 20 {
			play.DoPayload([]byte("start still"))
			time.Sleep(3 * time.Second)
			if found, _ := placeFile(file).read(log); found.Session == nil {
				t.Fatal("it does not stand in the file while it plays")
			}
			play.DoPayload([]byte("stop"))
			k.Settle()
			for _, name := range []string{file, file + ".bak"} {
				data, err := os.ReadFile(name)
				if found, _ := decode(data); err == nil && found.Session != nil {
					t.Errorf("%s still has it", name)
				}
			}
			time.Sleep(time.Second)
		}
	})
}

// An SD card wears out: two hours of playing a day, even of steps of a second, write less than 4 MB.
func TestKeeperWritesLittle(t *testing.T) {
	for name, routine := range map[string]string{"long steps": "still", "steps of a second": "restless"} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "place.json")
			synctest.Test(t, func(t *testing.T) {
				l := begin(t, file, Resume{Ask, time.Hour}, virtualMachine("one"))
				defer l.end()
				writes, size, before := 0, int64(0), ""
				for passed := time.Duration(0); passed < 10*time.Minute; passed += time.Second {
					if l.play.State().State == player.Idle {
						l.mustDo("start " + routine)
					}
					time.Sleep(time.Second)
					synctest.Wait()
					data, _ := os.ReadFile(file)
					if string(data) != before {
						writes, size, before = writes+1, size+(int64(len(data))+4095)/4096*4096, string(data)
					}
				}
				t.Logf("%d writes, %d bytes in whole blocks", writes, size)
				if size > 4<<20/12 || writes < 15 {
					t.Errorf("%d bytes", size)
				}
			})
		})
	}
}
