package config

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Any text is settings or an error, soon.
func FuzzSettings(f *testing.F) {
	for _, text := range []string{
		defaults, "", "\ufeffnode = \"mat\"", "[audio]\nvolume = nan\nquiet = \"22:00-07:00\"\n", "[[audio.also]]\noutput = \"null\"\nvolume = 101\n",
		"a.b.c.d = {e = [{f = 1}]}", "[mqtt]\nphase_lead = \"1ns\"\nbroker = \"mqtts://u:p@[::1]:1\"\n", "node = '''\n'''", "[web]\nlisten = \":0\"\n[schedule]\nbetween = 1979-05-27T07:32:00Z",
	} {
		f.Add(text)
	}
	dir := f.TempDir()
	f.Setenv("HOME", dir)
	f.Fuzz(func(t *testing.T, text string) {
		file := filepath.Join(dir, "guided.toml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		c, err := Load(file)
		if took := time.Since(begin); took > 10*time.Second {
			t.Fatalf("it took %v", took)
		}
		if err != nil {
			if err.Error() == "" || len(err.Error()) > 100_000 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		if c.Node == "" || c.Audio.Volume < 0 || c.Audio.Volume > 100 || c.Audio.LeadIn.Duration < 0 {
			t.Errorf("%+v", c)
		}
		c.QuietNow()
		c.Warnings()
	})
}
