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

const scene = `
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

// drawn is a picture, and its texts by element.
func drawn(t *testing.T, text string) (string, map[string][]string) {
	t.Helper()
	var b strings.Builder
	if err := routines.Picture(compiled(t, text, letters), &b); err != nil {
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

func TestPicture(t *testing.T) {
	svg, texts := drawn(t, scene)
	t.Run("tells its steps, times, sides and breaths as text", func(t *testing.T) {
		for _, want := range []string{"0:00 Sit <tall> & still;", "Breathe, 10 breaths", "Lean, left", "Lean, right"} {
			if !strings.Contains(texts["desc"][0], want) {
				t.Errorf("%q is not in %q", want, texts["desc"][0])
			}
		}
		if !strings.HasPrefix(texts["title"][0], "Test, ") {
			t.Errorf("it is called %q", texts["title"][0])
		}
	})
	t.Run("has lines of a minute with their times", func(t *testing.T) {
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
	t.Run("names a step that has room on each of its lines", func(t *testing.T) {
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
	t.Run("needs nothing but itself", func(t *testing.T) {
		if strings.Contains(strings.ReplaceAll(svg, "http://www.w3.org/2000/svg", ""), "http") || strings.Contains(svg, "url(") || strings.Contains(svg, "<script") {
			t.Error("it refers to something outside")
		}
		if !strings.Contains(svg, "prefers-color-scheme:dark") {
			t.Error("it is never dark")
		}
	})
}

var blockOf = regexp.MustCompile(`<rect class="p-(?:step|breath)" x="([-\d.]+)" y="0" width="([-\d.]+)"`)

// Blocks lie in their line, one after the other, whatever the routine and its length.
func TestPicturesOfEveryRoutine(t *testing.T) {
	library := routines.Library{routines.Builtin()}
	names, err := library.Names()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			r, err := library.Load(name)
			if err != nil {
				t.Fatal(err)
			}
			s, err := routines.Compile(r, letters, routines.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			if err := routines.Picture(s, &b); err != nil {
				t.Fatal(err)
			}
			for i, line := range strings.Split(b.String(), "<svg x=")[1:] {
				end := 0.0
				for _, m := range blockOf.FindAllStringSubmatch(line, -1) {
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

func TestPictureOfNothing(t *testing.T) {
	var b strings.Builder
	if err := routines.Picture(&routines.Score{Title: "Empty"}, &b); err != nil || !strings.Contains(b.String(), "Empty, 0:00") {
		t.Errorf("%v: %s", err, b.String())
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

var errFull = errors.New("the disk is full")

func TestPictureOntoAFullDisk(t *testing.T) {
	if err := routines.Picture(&routines.Score{}, full{}); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
}
