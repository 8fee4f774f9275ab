package routines

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"strings"
	"unicode/utf8"
)

// Dimensions of the picture, in units of its viewBox.
const (
	svgGutter    = 64  // left margin, for the times
	svgRowWidth  = 656 // width of a row
	svgRowHeight = 72  // height of its blocks
	svgRowPitch  = 84  // from row to row
	svgWaveTop   = 36  // where the wave of a full breath peaks
	svgBaseline  = 62  // where the wave is at rest, and the words are drawn
	svgFont      = 14  // font size on a wide screen
	svgLargeFont = 26  // on a narrow one, which scales the picture down
)

// svgStyle colours the picture for a light or dark screen. The fills are attributes too, for viewers without style
// sheets.
const svgStyle = `<style>
text{font-family:system-ui,sans-serif;font-size:14px}.p-time{fill:#5c6b67}.p-name{fill:#1d2b28}.p-step{fill:#e6e3da}
.p-breath{fill:#cfe4de}.p-wave{fill:#2f7d6d;fill-opacity:.25;stroke:#2f7d6d}.p-words{stroke:#8a8371}.p-still{stroke:#a8a294}.p-side{fill:#b4552d}
@media(max-width:520px){text{font-size:26px}.p-wide{display:none}}
@media(prefers-color-scheme:dark){.p-time{fill:#9db0ab}.p-name{fill:#eaf2ef}.p-step{fill:#2c3533}.p-breath{fill:#1f4841}
.p-wave{fill:#7fd0bd;stroke:#7fd0bd}.p-words{stroke:#a9b5b1}.p-still{stroke:#5d6a66}.p-side{fill:#f0a27c}}
</style>
`

// WriteSVG writes a score as an SVG timeline of several rows of equal time. Each step is a block at its time, with its
// name where it fits and a bar at the edge of its side. A block shows the wave of the breaths or reps, flat in a hold;
// dashes where words are spoken; a thin line in a silent hold or rest. The file refers to nothing outside, follows the
// reader's light or dark setting, and lists all steps as text for screen readers.
func WriteSVG(s *Score, w io.Writer) error {
	row := rowSpan(s.Len)
	rows := max(1, (s.Len+row-1)/row)
	var b bytes.Buffer
	width, height := svgGutter+svgRowWidth, rows*svgRowPitch-(svgRowPitch-svgRowHeight)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-labelledby="p-title p-desc">`+"\n", width, height)
	fmt.Fprintf(&b, "<title id=\"p-title\">%s, %s</title>\n<desc id=\"p-desc\">%s</desc>\n", html.EscapeString(s.Title), minutesSeconds(s.Len), html.EscapeString(s.describeSteps()))
	b.WriteString(svgStyle)
	for i := range rows {
		from := i * row
		y := i * svgRowPitch
		fmt.Fprintf(&b, `<text class="p-time" x="%d" y="%d" text-anchor="end" fill="#5c6b67">%s</text>`+"\n", svgGutter-8, y+26, minutesSeconds(from))
		fmt.Fprintf(&b, `<svg x="%d" y="%d" width="%d" height="%d" stroke-linejoin="round" stroke-linecap="round">`+"\n", svgGutter, y, svgRowWidth, svgRowHeight)
		l := svgRow{s, from, min(from+row, s.Len), row}
		for j := l.firstStep(); j < len(s.Marks) && s.Marks[j].At < l.to; j = s.NextStep(j) {
			if s.Marks[j].Kind == StepMark {
				l.writeStep(&b, j)
			}
		}
		b.WriteString("</svg>\n")
	}
	b.WriteString("</svg>\n")
	_, err := w.Write(b.Bytes())
	return err
}

// rowSpan is how much time a row holds: a round length, so that six rows are enough or, in a very long score, seven.
func rowSpan(length int) int {
	for _, s := range []int{30, 60, 120, 180, 300, 600} {
		if length <= 6*s*Rate {
			return s * Rate
		}
	}
	return (length/(6*600*Rate) + 1) * 600 * Rate
}

// describeSteps lists the steps as text, with their times.
func (s *Score) describeSteps() string {
	var steps []string
	for i := 0; i < len(s.Marks); i = s.NextStep(i) {
		if m := s.Marks[i]; m.Kind == StepMark {
			steps = append(steps, fmt.Sprintf("%s %s", minutesSeconds(m.At), s.describeStep(i)))
		}
	}
	return strings.Join(steps, "; ")
}

// describeStep is the name of the step at mark i with its side and its number of breaths or reps.
func (s *Score) describeStep(i int) string {
	name, counts := s.Marks[i].Name, map[MarkKind]int{}
	if side := s.Marks[i].Side; side != "" {
		name += ", " + side
	}
	for _, m := range s.Marks[i+1 : s.NextStep(i)] {
		counts[m.Kind]++
	}
	for _, c := range []struct {
		kind MarkKind
		word string
	}{{BreathMark, "breaths"}, {RepMark, "reps"}} {
		if counts[c.kind] > 0 {
			name += fmt.Sprintf(", %d %s", counts[c.kind], c.word)
		}
	}
	return name
}

// svgRow is one row of the picture. It shows the samples in [from, to) and is as wide as span samples.
type svgRow struct {
	*Score
	from, to, span int
}

// firstStep is the index in Marks of the step that is going on where the row begins.
func (l svgRow) firstStep() int { return l.StepAt(l.from) }

// x is the horizontal position of a sample in the row.
func (l svgRow) x(at int) float64 {
	return float64(at-l.from) * svgRowWidth / float64(l.span)
}

// writeStep draws the part of the step at mark i that lies in the row.
func (l svgRow) writeStep(b *bytes.Buffer, i int) {
	m, end := l.Marks[i], l.Len
	if next := l.NextStep(i); next < len(l.Marks) {
		end = l.Marks[next].At
	}
	end = min(m.At+m.Len, end)
	if end <= l.from || end == m.At {
		return
	}
	inner := l.Marks[i+1 : l.NextStep(i)]
	wave := l.wave(inner)
	class, fill := "p-step", "#e6e3da"
	if wave != "" {
		class, fill = "p-breath", "#cfe4de"
	}
	left := min(max(l.x(m.At), 0)+1, svgRowWidth-1)
	right := max(min(l.x(end), svgRowWidth)-1, left+1) // visible however short
	fmt.Fprintf(b, `<g><title>%s %s</title><rect class="%s" x="%.1f" y="0" width="%.1f" height="%d" rx="6" fill="%s"/>`,
		minutesSeconds(m.At), html.EscapeString(l.describeStep(i)), class, left, right-left, svgRowHeight, fill)
	if wave != "" {
		fmt.Fprintf(b, `<path class="p-wave" d="%s" fill="#2f7d6d" fill-opacity=".25" stroke="#2f7d6d" stroke-width="2"/>`, wave)
	}
	words, still := l.speechAndSilence(m.At, end, inner)
	for _, d := range []struct{ class, path, style string }{
		{"p-still", still, `stroke="#a8a294" stroke-width="2"`}, {"p-words", words, `stroke="#8a8371" stroke-width="5"`},
	} {
		if d.path != "" {
			fmt.Fprintf(b, `<path class="%s" d="%s" %s/>`, d.class, d.path, d.style)
		}
	}
	edges := map[string]float64{"left": left + 3, "right": right - 8}
	if edge, sided := edges[m.Side]; sided && right-left > 12 {
		fmt.Fprintf(b, `<rect class="p-side" x="%.1f" y="9" width="5" height="22" rx="2.5" fill="#b4552d"/>`, edge)
	}
	b.WriteString(nameLabel(m, left, right-left))
	b.WriteString("</g>\n")
}

// nameLabel is the name of a step where it fits: in both font sizes, in the small one only, or not at all.
func nameLabel(m Mark, left, room float64) string {
	letters := float64(utf8.RuneCountInString(m.Name)) * 0.58
	class := "p-name"
	switch {
	case letters*svgFont+20 > room:
		return ""
	case letters*svgLargeFont+20 > room:
		class += " p-wide"
	}
	return fmt.Sprintf(`<text class="%s" x="%.1f" y="25" fill="#1d2b28">%s</text>`, class, left+12, html.EscapeString(m.Name))
}

// wave is the path of the breath through the phases among marks; empty where the row has none.
func (l svgRow) wave(marks []Mark) string {
	var b strings.Builder
	level := map[string]float64{"in": 1, "move": 1, "again": 1.2, "out": 0, "back": 0}
	height, at, first := 0.0, -1, 0.0
	end := func() {
		if at >= 0 {
			fmt.Fprintf(&b, "V%dH%.1fZ", svgBaseline, first)
		}
	}
	for _, m := range marks {
		to, moves := level[m.Name]
		if !moves {
			to = height // hold, wait
		}
		if m.Kind != PhaseMark || m.At+m.Len <= l.from || m.At >= l.to {
			if m.Kind == PhaseMark {
				height = to
			}
			continue
		}
		if at < 0 || m.At-at > Rate/20 {
			end()
			first = l.x(m.At)
			fmt.Fprintf(&b, "M%.1f %.1f", first, waveY(height))
		}
		x0, x1 := l.x(m.At), l.x(m.At+m.Len)
		bend := (x1 - x0) * 0.4
		fmt.Fprintf(&b, "C%.1f %.1f %.1f %.1f %.1f %.1f", x0+bend, waveY(height), x1-bend, waveY(to), x1, waveY(to))
		height, at = to, m.At+m.Len
	}
	end()
	return b.String()
}

func waveY(level float64) float64 { return svgBaseline - level*(svgBaseline-svgWaveTop) }

// speechAndSilence draws a step without its breaths and reps, between two samples: the path of what is spoken, and that
// of every silence of four seconds or more. inner are the marks of the step.
func (l svgRow) speechAndSilence(from, to int, inner []Mark) (words, still string) {
	waveFrom, waveTo := to, to
	for _, m := range inner {
		if m.Kind == BreathMark || m.Kind == RepMark {
			waveFrom, waveTo = min(waveFrom, m.From), m.At+m.Len
		}
	}
	var said, silent strings.Builder
	at := from // everything before is drawn
	line := func(a, z int) {
		if a-at >= 4*Rate {
			fmt.Fprintf(&silent, "M%.1f %dH%.1f", l.x(at)+6, svgBaseline, l.x(a)-6)
		}
		at = max(at, z)
	}
	for _, c := range l.Cues {
		if c.At < from || c.At >= to || c.Clip.Say == "" || c.At >= waveFrom && c.At < waveTo {
			continue // drawn as part of the wave
		}
		if at <= waveFrom && c.At >= waveTo {
			line(waveFrom, waveTo)
		}
		end := c.At + c.Len
		if c.At < waveFrom {
			end = min(end, waveFrom)
		}
		line(c.At, end)
		fmt.Fprintf(&said, "M%.1f %dH%.1f", l.x(c.At)+4, svgBaseline, max(l.x(end)-4, l.x(c.At)+4.1))
	}
	if at <= waveFrom {
		line(waveFrom, waveTo)
	}
	line(to, to)
	return said.String(), silent.String()
}
