package history

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"guided/player"
)

var monday = time.Date(2026, 11, 23, 7, 30, 0, 0, time.UTC)

func TestLine(t *testing.T) {
	t.Run("comes back as it was written", func(t *testing.T) {
		r := session(1, monday)
		got, damage := readAll(t, mustEncode(t, r))
		if len(got) != 1 || got[0] != r || damage.Lines != 0 {
			t.Errorf("%+v, %+v", got, damage)
		}
	})
	t.Run("is an object that other programs read", func(t *testing.T) {
		var object map[string]any
		line := mustEncode(t, session(1, monday))
		if err := json.Unmarshal(line, &object); err != nil || object["routine"] != "routine-1" || bytes.Count(line, []byte("\n")) != 1 {
			t.Errorf("%v: %s", err, line)
		}
	})
	t.Run("of endless texts stays short enough to be read", func(t *testing.T) {
		r := session(1, monday)
		endless := strings.Repeat("\x01\xff✨", 50_000)
		r.Routine, r.Title, r.Step, r.Side, r.Reason, r.From = endless, endless, endless, endless, endless, endless
		if got, damage := readAll(t, mustEncode(t, r)); len(got) != 1 || damage.Lines != 0 || got[0].Breaths != r.Breaths {
			t.Errorf("%d records, %+v", len(got), damage)
		}
	})
}

// What is damaged costs its own line, and nothing else.
func TestReadDamaged(t *testing.T) {
	var lines [][]byte
	var records []player.Record
	for n := range 5 {
		records = append(records, session(n, monday.AddDate(0, 0, n)))
		lines = append(lines, mustEncode(t, records[n]))
	}
	without := func(n int) []player.Record { return slices.Delete(slices.Clone(records), n, n+1) }
	for name, damaged := range map[string][]byte{
		"half a line":               append(bytes.Clone(lines[2][:len(lines[2])/2]), '\n'),
		"zeros of a power cut":      append(make([]byte, 4096), '\n'),
		"another number":            bytes.Replace(bytes.Clone(lines[2]), []byte(`"breaths":20`), []byte(`"breaths":21`), 1),
		"a line without its sum":    append([]byte(`{`), lines[2][headLen:]...),
		"something else":            []byte("hello\n"),
		"a line longer than any is": append(bytes.Repeat([]byte("x"), 3*maxLine+17), '\n'),
		"a record that is negative": mustEncode(t, player.Record{Heard: -1}),
	} {
		t.Run(name, func(t *testing.T) {
			all := slices.Clone(lines)
			all[2] = damaged
			got, damage := readAll(t, bytes.Join(all, nil))
			if !slices.Equal(got, without(2)) || damage != (Damage{Lines: 1, First: 3}) {
				t.Errorf("%d records, %+v", len(got), damage)
			}
		})
	}
	t.Run("a last line that was torn is passed over in silence", func(t *testing.T) {
		got, damage := readAll(t, bytes.Join(append(slices.Clone(lines), lines[0][:40]), nil))
		if !slices.Equal(got, records) || damage.Lines != 0 {
			t.Errorf("%d records, %+v", len(got), damage)
		}
	})
	t.Run("any one byte", func(t *testing.T) {
		whole := bytes.Join(lines, nil)
		for at := range whole {
			data := bytes.Clone(whole)
			data[at] ^= 1 << (at % 8)
			got, _ := readAll(t, data)
			if len(got) < 3 { // a newline that is lost takes two lines with it
				t.Fatalf("byte %d: %d records are left", at, len(got))
			}
			for _, r := range got {
				if !slices.Contains(records, r) {
					t.Fatalf("byte %d: a record that was never written: %+v", at, r)
				}
			}
		}
	})
}

// Whatever stands in the file, each record that comes out of it was written so, and whole lines that are added are found.
func FuzzHistory(f *testing.F) {
	line := mustEncode(f, session(3, monday))
	f.Add([]byte{})
	f.Add(line)
	f.Add(append(bytes.Clone(line), line[:70]...))
	f.Add([]byte("{\"crc32c\":\"00000000\",}\n\n\x00\x00"))
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 300)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	f.Add(noise)
	f.Fuzz(func(t *testing.T, data []byte) {
		before, damage := readAll(t, data)
		if damage.Lines > bytes.Count(data, []byte("\n")) {
			t.Errorf("%d lines are damaged, there are %d", damage.Lines, bytes.Count(data, []byte("\n")))
		}
		sums := NewSums(time.UTC)
		for _, r := range before {
			if again, _ := readAll(t, mustEncode(t, r)); len(again) != 1 {
				t.Errorf("%+v does not come back", r)
			}
			sums.Add(r)
		}
		if _, err := json.Marshal(sums.Summary(monday)); err != nil {
			t.Error(err)
		}
		after, _ := readAll(t, slices.Concat(data, []byte("\n"), line))
		if len(after) < len(before)+1 || after[len(after)-1].Routine != "routine-3" {
			t.Errorf("%d records before, %d after one more", len(before), len(after))
		}
	})
}

// BenchmarkRead is the start of a daemon with 100,000 sessions: five a day for 55 years.
func BenchmarkRead(b *testing.B) {
	var data []byte
	for n := range 100_000 {
		data = append(data, mustEncode(b, session(n, monday.Add(time.Duration(n)*5*time.Hour)))...)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		sums := NewSums(time.UTC)
		if _, err := Read(bytes.NewReader(data), sums.Add); err != nil || sums.sessions != 100_000 {
			b.Fatal(err, sums.sessions)
		}
	}
}
