package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"guided/cli"
	"guided/player"
	"guided/schedule"
)

// TestSchedule tries the schedule of a real daemon, but for the passing of time: whether its clock is trusted depends on the
// machine.
func TestSchedule(t *testing.T) {
	requireProgram(t, "mosquitto_pub")
	m := newMachine(t, "[audio]\noutput = \"null\"\nlead_in = \"0s\"\n[voice]\nengine = \"none\"\n"+`
[[schedule]]
name    = "Lunch"
routine = "4-4-6"
at      = "12:00"
when    = { topic = "home/anna", is = "home" }

[[schedule]]
name    = "Night"
routine = "4-4-6"
at      = "03:00"
`)
	if out, err := exec.Command("mosquitto_pub", "-p", m.port, "-r", "-t", "home/anna", "-m", "work").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	page := m.servePage()
	m.startDaemon()
	seen := m.observe()
	waitFor(t, "the first state", func() bool { return seen.lastState().State == player.Idle })
	send := func(want string, words ...string) {
		t.Helper()
		if code, out := m.run(append([]string{"send"}, words...)...); code != cli.Done || !strings.Contains(out, want) {
			t.Errorf("%v: %d: %s, want %s", words, code, out, want)
		}
	}
	t.Run("the next run is skipped, and named", func(t *testing.T) { send("ok: skipped: Lunch on ", "skip_run") })
	t.Run("an entry is switched off, which the state tells and a restart keeps", func(t *testing.T) {
		send("ok: Night is off", "schedule", "off", "night")
		waitFor(t, "the state", func() bool { return slices.Equal(seen.lastState().EntriesOff, []string{"Night"}) })
		send("Night is off", "schedule", "off", "night")
	})
	t.Run("the coming week, with why something will not take place", func(t *testing.T) {
		code, out := m.run("--json", "schedule")
		var week []schedule.Forecast
		if err := json.Unmarshal([]byte(out), &week); err != nil || code != cli.Done || len(week) != 14 {
			t.Fatalf("%d: %v:\n%s", code, err, out)
		}
		reasons := map[string]bool{}
		for _, f := range week {
			reasons[f.Name+": "+f.Why] = true
			if !strings.HasPrefix(f.Place, m.config+":") {
				t.Errorf("it stands at %s", f.Place)
			}
		}
		if !reasons["Night: it is switched off"] || !reasons["Lunch: it is skipped"] ||
			!reasons["Lunch: now home/anna is work, not home"] && !reasons["Lunch: the clock is not trusted"] {
			t.Errorf("%v", reasons)
		}
		if code, out := m.run("schedule"); code != cli.Done || strings.Count(out, "Lunch") != 8 || strings.Count(out, "no: it is switched off") != 7 {
			t.Errorf("%d:\n%s", code, out)
		}
	})
	t.Run("an entry that is made on the page counts at once, and says where it stands", func(t *testing.T) {
		r, err := http.Post(page+"/api/schedule/entries", "application/json", strings.NewReader(`{"name":"Noon","routine":"4-4-6","at":"13:00","days":"mon","when":{"topic":"home/bert","is":"home"}}`))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		if answer, _ := io.ReadAll(r.Body); string(answer) != `{"saved":"Noon"}` {
			t.Fatalf("%s", answer)
		}
		send("ok: Noon is off", "schedule", "off", "noon")
		_, out := m.run("--json", "schedule")
		var week []schedule.Forecast
		if err := json.Unmarshal([]byte(out), &week); err != nil {
			t.Fatalf("%v:\n%s", err, out)
		}
		i := slices.IndexFunc(week, func(f schedule.Forecast) bool { return f.Name == "Noon" })
		if i < 0 || week[i].Why != "it is switched off" || !regexp.MustCompile(`/schedule-[0-9a-f]+\.toml:\d+$`).MatchString(week[i].Place) {
			t.Errorf("%s", out)
		}
		if _, out := m.run("schedule"); !strings.Contains(out, week[i].Place) || !strings.Contains(out, m.config+":") {
			t.Errorf("it does not say where entries stand:\n%s", out)
		}
		var view schedule.View
		shown, err := http.Get(page + "/api/schedule")
		if err != nil {
			t.Fatal(err)
		}
		defer shown.Body.Close()
		if err := json.NewDecoder(shown.Body).Decode(&view); err != nil || len(view.Entries) != 3 || view.Entries[2].Written["at"] != "13:00" || len(view.Week) != len(week) {
			t.Errorf("%v: %+v", err, view)
		}
		if _, out := m.run("--json", "doctor"); !strings.Contains(out, "2 in the settings; one entry was made on the page") {
			t.Errorf("doctor says %s", out)
		}
	})
	t.Run("info and discovery have the entries", func(t *testing.T) {
		entities := m.discoveredEntities(t)
		for _, id := range []string{"switch.guided_schedule", "switch.guided_schedule_lunch", "switch.guided_schedule_night", "switch.guided_schedule_noon", "sensor.guided_next_run", "button.guided_snooze", "button.guided_skip_run"} {
			if !slices.Contains(entities, id) {
				t.Errorf("%s is missing", id)
			}
		}
	})
	t.Run("wrong settings are refused, with their line", func(t *testing.T) {
		text, err := os.ReadFile(m.config)
		if err != nil {
			t.Fatal(err)
		}
		wrong := strings.Replace(string(text), `"03:00"`, `"3 o'clock"`, 1)
		file := m.config + ".wrong"
		if err := os.WriteFile(file, []byte(wrong), 0o600); err != nil {
			t.Fatal(err)
		}
		code, _, stderr := runCommand(t, "--config", file, "schedule")
		if code != cli.Failed || !strings.Contains(stderr, ".wrong:") || !strings.Contains(stderr, `schedule.at`) {
			t.Errorf("%d: %s", code, stderr)
		}
	})
}
