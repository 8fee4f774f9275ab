package place

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"guided/history"
	"guided/player"
)

func (l *life) historyFile() string { return filepath.Join(filepath.Dir(l.file), history.FileName) }

// onDisk is the content of the files that outlive the process, by name.
func (l *life) onDisk() map[string][]byte {
	files := map[string][]byte{}
	for _, name := range []string{l.file, l.file + ".bak", l.historyFile()} {
		if data, err := os.ReadFile(name); err == nil {
			files[name] = data
		}
	}
	return files
}

// putBack makes the files as they were.
func (l *life) putBack(files map[string][]byte) {
	l.Helper()
	for _, name := range []string{l.file, l.file + ".bak", l.historyFile()} {
		_ = os.Remove(name)
		if data, has := files[name]; has {
			if err := os.WriteFile(name, data, 0o600); err != nil {
				l.Fatal(err)
			}
		}
	}
}

// records are what the history has on the disk.
func (l *life) records() (list []player.Record) {
	l.Helper()
	synctest.Wait()
	if damage, err := history.ReadFile(l.historyFile(), func(r player.Record) { list = append(list, r) }); err != nil || damage.Lines > 0 {
		l.Fatal(err, damage)
	}
	return list
}

// wantRecords checks what the history has: the seconds of each record within a second and a half, in their order, and why it ended.
func (l *life) wantRecords(want ...player.Record) {
	l.Helper()
	got := l.records()
	if len(got) != len(want) {
		l.Fatalf("%d records, want %d: %+v\n%s", len(got), len(want), got, l.log)
	}
	for i, r := range got {
		if w := want[i]; r.Reason != w.Reason || math.Abs(r.Heard-w.Heard) > 1.5 || r.Finished != w.Finished || r.Routine != w.Routine && w.Routine != "" || r.ID == "" {
			l.Errorf("record %d: %+v, want %+v", i, r, w)
		}
	}
}

func (l *life) do(steps ...any) {
	l.Helper()
	for _, s := range steps {
		switch s := s.(type) {
		case time.Duration:
			time.Sleep(s)
		case string:
			l.mustDo(s)
		}
	}
	synctest.Wait()
}

// What was heard before the process was lost is in the history once, however it goes on.
func TestLostSessionComesIntoTheHistory(t *testing.T) {
	ask, auto, never := Resume{Ask, 30 * time.Minute}, Resume{Auto, 30 * time.Minute}, Resume{Never, 30 * time.Minute}
	const minute, second = time.Minute, time.Second
	for name, tt := range map[string]struct {
		before, after Resume
		boot          string
		away          time.Duration
		then          []any
		want          []player.Record
	}{
		"a power cut, the offer is refused":                {ask, ask, "next", minute, []any{"stop", second}, []player.Record{{Reason: "a power cut", Heard: 31}}},
		"a crash, the offer is refused":                    {ask, ask, "same", minute, []any{"stop", second}, []player.Record{{Reason: "a crash", Heard: 31}}},
		"another routine is started":                       {ask, ask, "next", minute, []any{"start brief", 10 * second}, []player.Record{{Reason: "a power cut", Heard: 31}, {Reason: "finished", Routine: "brief", Finished: true, Heard: 5}}},
		"the offer expires":                                {ask, ask, "next", minute, []any{31 * minute}, []player.Record{{Reason: "a power cut", Heard: 31}}},
		"it is too old":                                    {ask, ask, "next", time.Hour, []any{second}, []player.Record{{Reason: "a power cut", Heard: 31}}},
		"never":                                            {never, never, "next", minute, []any{second}, []player.Record{{Reason: "a power cut", Heard: 31}}},
		"never, then ask":                                  {never, ask, "next", minute, []any{second}, []player.Record{{Reason: "a power cut", Heard: 31}}},
		"ask, then never":                                  {ask, never, "next", minute, []any{second}, []player.Record{{Reason: "a power cut", Heard: 31}}},
		"the offer stands: not decided yet":                {ask, ask, "next", minute, []any{minute}, nil},
		"it is taken up, and stopped: both parts":          {ask, ask, "next", minute, []any{"resume", 10 * second, "stop", second}, []player.Record{{Reason: "stopped", Heard: 41}}},
		"it goes on by itself, and is stopped: both parts": {auto, auto, "next", minute, []any{10 * second, "stop", second}, []player.Record{{Reason: "stopped", Heard: 41}}},
		"it is taken up paused, and stopped before a sound": {ask, ask, "next", minute, []any{"resume", "pause", "stop", second},
			[]player.Record{{Reason: "stopped", Heard: 31}}},
		"it is taken up, and replaced": {ask, ask, "next", minute, []any{"resume", 10 * second, "start brief", 10 * second},
			[]player.Record{{Reason: "replaced by brief", Heard: 41}, {Reason: "finished", Routine: "brief", Finished: true, Heard: 5}}},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "place.json")
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				l := begin(t, file, tt.before, virtualMachine("same"))
				l.do("start still", 32*second) // it was kept after 31 s
				l.kill()
				l.do(tt.away)
				l = begin(t, file, tt.after, virtualMachine(tt.boot))
				l.do(tt.then...)
				l.wantRecords(tt.want...)
				if len(tt.want) > 0 {
					if r := l.records()[0]; r.Started.Sub(began).Abs() > 2*second || r.Routine != "still" || r.Step != "First" || r.Steps != 2 || r.Ended.Before(r.Started.Add(30*second)) {
						t.Errorf("%+v", r)
					}
				}
				for range 2 { // nothing comes after it
					l.kill()
					l = begin(t, file, never, virtualMachine(tt.boot))
					l.do(second)
				}
				defer l.end()
				if tt.want == nil {
					tt.want = []player.Record{{Reason: "a power cut", Heard: 31}}
				}
				l.wantRecords(tt.want...)
			})
		})
	}
	t.Run("two power cuts: one record of all parts", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "place.json")
		synctest.Test(t, func(t *testing.T) {
			l := begin(t, file, auto, virtualMachine("one"))
			l.do("start still", 32*second)
			for _, boot := range []string{"two", "three"} {
				l.kill()
				l = begin(t, file, auto, virtualMachine(boot))
				l.do(32 * second)
			}
			l.do("stop", second)
			l.end()
			l.wantRecords(player.Record{Reason: "stopped", Heard: 93})
		})
	})
	t.Run("a restart in good order: a record of each part", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "place.json")
		synctest.Test(t, func(t *testing.T) {
			l := begin(t, file, auto, virtualMachine("one"))
			l.do("start still", 10*second)
			l.end()
			l = begin(t, file, auto, virtualMachine("one"))
			l.do(10*second, "stop", second)
			l.end()
			l.wantRecords(player.Record{Reason: "guided is ending", Heard: 10}, player.Record{Reason: "stopped", Heard: 10})
		})
	})
	t.Run("a crash loop: nothing is offered, and what was heard is told", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "place.json")
		synctest.Test(t, func(t *testing.T) {
			m := virtualMachine("one")
			l := begin(t, file, ask, m)
			l.do("start still", 5*second)
			for range 3 {
				l.kill()
				l = begin(t, file, ask, m)
				l.do(second)
			}
			l.end()
			l.wantRecords(player.Record{Reason: "a crash", Heard: 1})
		})
	})
	t.Run("no history is kept: none is written, and never keeps no place", func(t *testing.T) {
		for _, mode := range []Resume{ask, never} {
			file := filepath.Join(t.TempDir(), "place.json")
			synctest.Test(t, func(t *testing.T) {
				l := beginWith(t, file, mode, virtualMachine("one"), false)
				l.do("start still", 5*second)
				if found, _ := placeFile(file).read(l.keep.log); mode.Mode == Never && found.Session != nil {
					t.Errorf("%+v", found.Session)
				}
				l.kill()
				l = beginWith(t, file, never, virtualMachine("two"), false)
				l.do(second)
				l.end()
				l.wantRecords()
			})
		}
	})
}

// A session ends in two files, one after the other. Whichever of them a kill leaves as it was, and whatever becomes of
// the session then, its record is there once.
func TestKillWhileASessionEnds(t *testing.T) {
	ask := Resume{Ask, 30 * time.Minute}
	for name, tt := range map[string]struct {
		lost bool // it was lost before, and is offered
		end  []any
	}{
		"it is stopped":                 {false, []any{"stop"}},
		"it is stopped in a pause":      {false, []any{"pause", time.Second, "stop"}},
		"another is started":            {false, []any{"start restless"}},
		"an offer is refused":           {true, []any{"stop"}},
		"an offer is displaced":         {true, []any{"start restless"}},
		"what was taken up is stopped":  {true, []any{"resume", 2 * time.Second, "stop"}},
		"the daemon ends in good order": {false, []any{"end"}},
	} {
		for _, then := range []string{"stop", "resume"} {
			t.Run(name+", and then "+then, func(t *testing.T) {
				file := filepath.Join(t.TempDir(), "place.json")
				synctest.Test(t, func(t *testing.T) {
					l := begin(t, file, ask, virtualMachine("one"))
					l.do("start still", 3*time.Second)
					if tt.lost {
						l.kill()
						l = begin(t, file, ask, virtualMachine("two"))
						l.do(time.Second)
					}
					last := len(tt.end) - 1
					l.do(tt.end[:last]...)
					before := l.onDisk()
					held, err := os.OpenFile(l.historyFile(), os.O_RDWR|os.O_CREATE, 0o600)
					if err != nil {
						t.Fatal(err)
					}
					defer held.Close()
					if err := unix.Flock(int(held.Fd()), unix.LOCK_EX); err != nil { // the record cannot be written yet
						t.Fatal(err)
					}
					ended := make(chan struct{})
					if tt.end[last] == "end" {
						go func() { defer close(ended); l.end() }()
					} else {
						close(ended)
						l.mustDo(tt.end[last].(string))
					}
					time.Sleep(100 * time.Millisecond)
					synctest.Wait()
					between := l.onDisk()
					_ = unix.Flock(int(held.Fd()), unix.LOCK_UN)
					time.Sleep(6 * time.Second) // longer than the file keeps what the history has
					synctest.Wait()
					<-ended
					after := l.onDisk()
					l.end()
					recordFirst := map[string][]byte{l.historyFile(): after[l.historyFile()], file: before[file], file + ".bak": before[file+".bak"]}
					for point, disk := range map[string]map[string][]byte{"before": before, "the place first": between, "the record first": recordFirst, "after": after} {
						l.putBack(disk)
						again := begin(t, file, ask, virtualMachine("three"))
						again.do(time.Second)
						if again.play.DoPayload([]byte(then)); then == "resume" {
							again.do(2*time.Second, "stop")
						}
						again.do(time.Second)
						again.kill()
						again = begin(t, file, ask, virtualMachine("four"))
						again.do(time.Second)
						again.end()
						want, heard := 1, []float64{}
						goodOrder := tt.end[last] == "end"
						if then == "resume" && (point == "the record first" || goodOrder && point == "after") {
							want = 2 // what is heard after there is a record has one of its own
						}
						for _, r := range again.records() {
							if r.Routine == "still" {
								heard = append(heard, r.Heard)
							}
						}
						if len(heard) != want || slices.ContainsFunc(heard, func(s float64) bool { return s < 0.7 }) {
							t.Errorf("%s: %d records, want %d: %+v\n%s", point, len(heard), want, again.records(), again.log)
						}
					}
				})
			})
		}
	}
}
