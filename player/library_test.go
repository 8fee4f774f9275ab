package player_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"

	"guided/player"
)

func findRoutine(t *testing.T, i player.Info, name string) player.RoutineInfo {
	t.Helper()
	at := slices.IndexFunc(i.Routines, func(r player.RoutineInfo) bool { return r.Name == name })
	if at < 0 {
		t.Fatalf("%s is not in %+v", name, i.Routines)
	}
	return i.Routines[at]
}

func TestRescanAfterLibraryChange(t *testing.T) {
	files := routineFiles(map[string]string{"mixed": mixed, "other": other})
	runPlayer(t, setup{files: files}, func(st *harness) {
		x := renderReference(t, mixed)
		i := st.p.Info()
		if r := findRoutine(t, i, "mixed"); r.Title != "A bit of all" || r.Length*1000 != float64(x.Len/48) || len(r.Steps) != x.Steps || r.Error != "" {
			t.Errorf("%+v", r)
		}
		if !slices.Contains(i.Verbs, "say") || !slices.Contains(i.Verbs, "repeat") {
			t.Errorf("verbs %v", i.Verbs)
		}
		if n := len(st.infos); n != 2 {
			t.Errorf("%d infos were published, want the empty one and the library", n)
		}
		st.p.Rescan()
		synctest.Wait()
		if n := len(st.infos); n != 2 {
			t.Error("a library that has not changed is published again")
		}

		files["other.toml"] = &fstest.MapFile{Data: []byte(strings.Replace(other, "5s", "9s", 1))}
		files["broken.toml"] = &fstest.MapFile{Data: []byte("title = \"Broken\"\n[[step]]\nrest = 5\n")}
		delete(files, "mixed.toml")
		st.p.Rescan()
		synctest.Wait()
		i = st.infos[len(st.infos)-1]
		if len(i.Routines) != 2 {
			t.Errorf("%+v", i.Routines)
		}
		if r := findRoutine(t, i, "other"); r.Length < 9 {
			t.Errorf("%+v", r)
		}
		r := findRoutine(t, i, "broken")
		if !strings.Contains(r.Error, "broken.toml:3") || r.Title != "broken" {
			t.Errorf("%+v", r)
		}
		if answer := st.do("start broken"); !strings.Contains(answer.Error, "broken.toml:3") {
			t.Errorf("%+v", answer)
		}
	})
}

// The list does not wait for a speech engine, which may take minutes for all phrases.
func TestLibraryListedBeforeSpeechIsReady(t *testing.T) {
	v := newGatedVoice("")
	runPlayer(t, setup{voice: v}, func(st *harness) {
		before := findRoutine(t, st.p.Info(), "mixed")
		if len(before.Steps) != 6 {
			t.Errorf("%+v", before)
		}
		close(v.gate)
		synctest.Wait()
		if after := findRoutine(t, st.p.Info(), "mixed"); after.Length <= before.Length {
			t.Errorf("%v s spoken, %v s in tones", after.Length, before.Length)
		}
	})
}
