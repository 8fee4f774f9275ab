//go:build homeassistant

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"guided/cli"
	"guided/config"
	"guided/history"
	"guided/player"
)

// statistic is one period of Home Assistant's statistics of a sensor.
type statistic struct{ State, Sum float64 }

// statistics are those of periods of five minutes.
func (h *homeAssistant) statistics(id string) []statistic {
	h.t.Helper()
	var all map[string][]statistic
	h.query(map[string]any{
		"type": "recorder/statistics_during_period", "statistic_ids": []string{id}, "period": "5minute",
		"start_time": time.Now().Add(-24 * time.Hour).Format(time.RFC3339), "types": []string{"state", "sum"},
	}, &all)
	return all[id]
}

// restartCoreLater restarts Home Assistant, and has what it recorded until now lie ten minutes back, so that its recorder
// makes the statistics that are due at its start. Only its calendar is made up.
func (h *homeAssistant) restartCoreLater() {
	h.t.Helper()
	h.core.stop()
	const shift = `
import sqlite3, sys
db = sqlite3.connect("/srv/config/home-assistant_v2.db")
for (table,) in db.execute("select name from sqlite_master where type = 'table'").fetchall():
    for column in [c[1] for c in db.execute(f"pragma table_info({table})")]:
        if column in ("last_updated_ts", "last_changed_ts", "last_reported_ts", "start_ts", "created_ts"):
            db.execute(f"update {table} set {column} = {column} - 600 where {column} is not null")
db.execute("update statistics_runs set start = datetime(start, '-10 minutes')")
db.commit()
`
	script := `mount --bind "$2" "$1/srv/config"; exec chroot "$1" /srv/venv/bin/python -c "$3"`
	out, err := exec.Command("unshare", "--mount", "sh", "-ec", script, "sh", os.Getenv("GUIDED_HOME_ASSISTANT"), filepath.Join(h.dir, "hass"), shift).CombinedOutput()
	if err != nil {
		h.t.Fatalf("%v: %s", err, out)
	}
	h.startCore()
}

func TestHomeAssistantKeepsStatistics(t *testing.T) {
	const id = "sensor.guided_minutes_total"
	h := newHomeAssistant(t)
	d := h.startDaemon("mat", "")
	h.waitForState(id, "0")
	// done restarts the daemon as if a session of so many minutes had been heard since.
	done := func(minutes int, shows string) {
		t.Helper()
		d.stop()
		at := time.Now()
		heard := player.Record{Routine: "long", Title: "Long", Started: at, Ended: at, Heard: float64(60 * minutes), Finished: true}
		if err := history.Append(filepath.Join(h.dir, "state", "guided", filepath.Base(config.StateFile(history.FileName, d.config))), heard); err != nil {
			t.Fatal(err)
		}
		d.start()
		h.waitForState(id, shows)
	}
	// sums waits for statistics whose last ones have this state and this sum.
	sums := func(state, sum float64) {
		t.Helper()
		var all []statistic
		for end := time.Now().Add(deadline); time.Now().Before(end); <-time.After(100 * time.Millisecond) {
			all = h.statistics(id)
			if n := len(all); n > 0 && all[n-1] == (statistic{state, sum}) {
				return
			}
		}
		t.Fatalf("%v, want %v at the end", all, statistic{state, sum})
	}

	t.Run("what is heard is added", func(t *testing.T) {
		done(20, "20")
		done(5, "25")
		h.restartCoreLater()
		h.waitForState(id, "25")
		sums(25, 25)
	})
	t.Run("the history is deleted, which takes nothing away", func(t *testing.T) {
		if code, out := d.run("history", "--delete", "--yes"); code != cli.Done {
			t.Fatal(out)
		}
		h.waitForState(id, "0")
		done(7, "7")
		h.restartCoreLater()
		h.waitForState(id, "7")
		sums(7, 32)
	})
	t.Run("the sensors have what statistics need", func(t *testing.T) {
		all := h.entities()
		for sensor, want := range map[string]string{
			"minutes_today": "total_increasing min duration", "minutes_total": "total_increasing min duration", "sessions": "total_increasing", "streak": "measurement d",
		} {
			e := all["sensor.guided_"+sensor]
			got := e.attribute("state_class")
			for _, more := range []string{e.attribute("unit_of_measurement"), e.attribute("device_class")} {
				if more != "" {
					got += " " + more
				}
			}
			if got != want {
				t.Errorf("%s: %s, want %s", sensor, got, want)
			}
		}
		last := all["sensor.guided_last_session"]
		if _, err := time.Parse(time.RFC3339, last.State); err != nil || last.attribute("title") != "Long" || last.attribute("finished") != "true" {
			t.Errorf("%+v", last)
		}
	})
	t.Run("Home Assistant finds nothing wrong with them", func(t *testing.T) {
		var wrong map[string]json.RawMessage
		h.query(map[string]any{"type": "recorder/validate_statistics"}, &wrong)
		if len(wrong) > 0 {
			t.Errorf("%s", wrong)
		}
		var all []struct {
			ID   string `json:"statistic_id"`
			Sum  bool   `json:"has_sum"`
			Unit string `json:"statistics_unit_of_measurement"`
		}
		h.query(map[string]any{"type": "recorder/list_statistic_ids"}, &all)
		found := map[string]string{}
		for _, s := range all {
			found[s.ID] = fmt.Sprint(s.Sum, " ", s.Unit)
		}
		for sensor, want := range map[string]string{"minutes_today": "true min", "minutes_total": "true min", "sessions": "true ", "streak": "false d"} {
			if got := found["sensor.guided_"+sensor]; got != want {
				t.Errorf("%s: %q, want %q", sensor, got, want)
			}
		}
	})
}
