package routines_test

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"guided/routines"
)

const pictured = `
[[step]]
name = "Sit <tall> & still"
say  = "Sit tall."
rest = "20s"
[[step]]
name    = "Breathe"
breathe = "4-4-6"
for     = "10 breaths"
[[step]]
name  = "Lean"
hold  = "20s"
sides = true
`

// writeSVG writes the picture of a routine, and lists its texts by element.
func writeSVG(t *testing.T, text string) (string, map[string][]string) {
	t.Helper()
	var b strings.Builder
	if err := routines.WriteSVG(compileSteps(t, text, measureLetters), &b); err != nil {
		t.Fatal(err)
	}
	texts, in := map[string][]string{}, ""
	for d := xml.NewDecoder(strings.NewReader(b.String())); ; {
		token, err := d.Token()
		if err == io.EOF {
			return b.String(), texts
		}
		if err != nil {
			t.Fatalf("no XML: %v", err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			in = e.Name.Local
		case xml.CharData:
			if s := strings.TrimSpace(string(e)); s != "" {
				texts[in] = append(texts[in], s)
			}
		}
	}
}

func TestPictureContent(t *testing.T) {
	svg, texts := writeSVG(t, pictured)
	t.Run("lists steps, times, sides and breaths as text", func(t *testing.T) {
		for _, want := range []string{"0:00 Sit <tall> & still;", "Breathe, 10 breaths", "Lean, left", "Lean, right"} {
			if !strings.Contains(texts["desc"][0], want) {
				t.Errorf("%q is not in %q", want, texts["desc"][0])
			}
		}
		if !strings.HasPrefix(texts["title"][0], "Test, ") {
			t.Errorf("it is called %q", texts["title"][0])
		}
	})
	t.Run("has rows of a minute with their times", func(t *testing.T) {
		var times []string
		for _, s := range texts["text"] {
			if strings.Contains(s, ":") {
				times = append(times, s)
			}
		}
		if got := strings.Join(times, " "); got != "0:00 1:00 2:00 3:00" {
			t.Errorf("its lines begin at %s", got)
		}
	})
	t.Run("names a step in each row that has room", func(t *testing.T) {
		if n := strings.Count(strings.Join(texts["text"], "\n"), "Breathe"); n < 3 {
			t.Errorf("Breathe stands there %d times", n)
		}
	})
	t.Run("marks the sides at their edges", func(t *testing.T) {
		if n := strings.Count(svg, `class="p-side"`); n < 2 {
			t.Errorf("%d sides are marked", n)
		}
	})
	t.Run("shows the silence of the hold and the words before it", func(t *testing.T) {
		for _, class := range []string{"p-still", "p-words", "p-wave"} {
			if !strings.Contains(svg, `class="`+class+`"`) {
				t.Errorf("there is no %s", class)
			}
		}
	})
	t.Run("refers to nothing outside", func(t *testing.T) {
		if strings.Contains(strings.ReplaceAll(svg, "http://www.w3.org/2000/svg", ""), "http") || strings.Contains(svg, "url(") || strings.Contains(svg, "<script") {
			t.Error("it refers to something outside")
		}
		if !strings.Contains(svg, "prefers-color-scheme:dark") {
			t.Error("it is never dark")
		}
	})
}

var blockPattern = regexp.MustCompile(`<rect class="p-(?:step|breath)" x="([-\d.]+)" y="0" width="([-\d.]+)"`)

// Blocks lie inside their row and do not overlap, whatever the routine and its length.
func TestPictureBlocksInEveryBuiltinRoutine(t *testing.T) {
	library := routines.Library{routines.Builtin()}
	names, err := library.Names(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			r, err := library.Load(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			s, err := routines.Compile(t.Context(), r, measureLetters, routines.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			if err := routines.WriteSVG(s, &b); err != nil {
				t.Fatal(err)
			}
			for i, line := range strings.Split(b.String(), "<svg x=")[1:] {
				end := 0.0
				for _, m := range blockPattern.FindAllStringSubmatch(line, -1) {
					x, _ := strconv.ParseFloat(m[1], 64)
					width, _ := strconv.ParseFloat(m[2], 64)
					if x < end || x+width > 656 {
						t.Errorf("line %d: a block from %.1f to %.1f, the one before ends at %.1f", i, x, x+width, end)
					}
					end = x + width
				}
			}
			if n := b.Len(); n > 64<<10 {
				t.Errorf("it has %d bytes", n)
			}
		})
	}
}

func TestPictureEmptyScore(t *testing.T) {
	var b strings.Builder
	if err := routines.WriteSVG(&routines.Score{Title: "Empty"}, &b); err != nil || !strings.Contains(b.String(), "Empty, 0:00") {
		t.Errorf("%v: %s", err, b.String())
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errDiskFull }

var errDiskFull = errors.New("the disk is full")

func TestPictureWriteError(t *testing.T) {
	if err := routines.WriteSVG(&routines.Score{}, fullDisk{}); !errors.Is(err, errDiskFull) {
		t.Errorf("got %v", err)
	}
}
