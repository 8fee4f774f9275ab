package cli

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guided/config"
)

// Settings that are gone for a moment, as while an editor saves them, are not the defaults: a schedule would be empty.
func TestReloadWithoutTheFileThatWasRead(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", dir)
	file := filepath.Join(dir, "guided", "guided.toml")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("node = \"mat\"\n[[schedule]]\nroutine = \"yoga\"\nat = \"07:00\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load("")
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	l := &liveSettings{current: c, level: &slog.LevelVar{}, log: slog.New(slog.NewTextHandler(&log, nil))}
	for situation, change := range map[string]func() error{
		"empty": func() error { return os.WriteFile(file, []byte("\n"), 0o644) },
		"gone":  func() error { return os.RemoveAll(file) },
	} {
		log.Reset()
		if err := change(); err != nil {
			t.Fatal(err)
		}
		l.reload(t.Context(), liveParts{}) // which takes nothing over, or it would end here
		if !strings.Contains(log.String(), file+" is gone or empty") || l.current.Node != "mat" || len(l.current.ScheduleEntries()) != 1 {
			t.Errorf("%s: %+v\n%s", situation, l.current.ScheduleEntries(), log.String())
		}
	}
}
