package history

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"guided/player"
)

func TestMain(m *testing.M) {
	if os.Getenv("GUIDED_HISTORY_WRITER") != "" {
		writeUntilKilled()
		return
	}
	goleak.VerifyTestMain(m)
}

// session is a record of the n-th session: five minutes that began at a moment.
func session(n int, began time.Time) player.Record {
	return player.Record{
		Routine: fmt.Sprintf("routine-%d", n), Title: "Four, four, six – \"ruhig\"\n", Started: began.UTC(), Ended: began.Add(5 * time.Minute).UTC(),
		Heard: 300, Breaths: 20, Reps: n % 3, Finished: true, Step: "Breathe", Number: 2, Steps: 2, Reason: "finished", From: "MQTT guided/mat/command",
	}
}

func mustEncode(t testing.TB, r player.Record) []byte {
	t.Helper()
	line, err := encode(r)
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// readAll reads records from bytes.
func readAll(t testing.TB, data []byte) ([]player.Record, Damage) {
	t.Helper()
	var list []player.Record
	d, err := Read(bytes.NewReader(data), func(r player.Record) { list = append(list, r) })
	if err != nil {
		t.Fatal(err)
	}
	return list, d
}

// readBack reads the records of a file.
func readBack(t testing.TB, file string) ([]player.Record, Damage) {
	t.Helper()
	var list []player.Record
	d, err := ReadFile(file, func(r player.Record) { list = append(list, r) })
	if err != nil {
		t.Fatal(err)
	}
	return list, d
}

func newFile(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "state", FileName)
}

func mustAppend(t testing.TB, file string, records ...player.Record) {
	t.Helper()
	for _, r := range records {
		if _, _, err := appendFile(file, mustEncode(t, r)); err != nil {
			t.Fatal(err)
		}
	}
}
