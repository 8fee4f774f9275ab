package routines_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"guided/routines"
)

// Whatever a file of the largest size holds, it is read in a bounded time, with its first problems.
func TestParseEndsWhateverIsRead(t *testing.T) {
	fill := func(head, line, tail string) string {
		var b strings.Builder
		b.WriteString(head)
		for i := 0; b.Len()+len(line)+10 < 1<<20-len(tail); i++ {
			b.WriteString(strings.ReplaceAll(line, "#", fmt.Sprint(i)))
		}
		return b.String() + tail
	}
	for name, text := range map[string]string{
		"unknown keys":                fill("title = 'T'\n", "k# = 1\n", ""),
		"fifty thousand unknown keys": "title = 'T'\n" + strings.Repeat("[[step]]\nunknown = 1\n", 24_000),
		"fifty thousand values":       "title = 'T'\n[[step]]\nrest = '1m'\ncues = [" + strings.Repeat("1,", 49_000) + "]\n",
		"unknown keys of a step":      fill("title = 'T'\n[[step]]\nsay = 'x'\n", "brethe# = 1\n", ""),
		"unknown keys of cues":        fill("title = 'T'\n[[step]]\nrest = '1m'\ncues = [", "{k=1,l=2},", "]\n"),
		"wrong cues":                  fill("title = 'T'\n[[step]]\nrest = '1m'\ncues = [", "{at='2h',say='{x}'},", "]\n"),
		"cues that are no tables":     fill("title = 'T'\n[[step]]\nrest = '1m'\ncues = [", "1,", "]\n"),
		"unknown words":               fill("title = 'T'\nposition = [", "'chairs',", "]\n"),
		"steps":                       fill("title = 'T'\n", "[[step]]\n", ""),
		"unknown routines":            fill("title = 'T'\n", "[[step]]\nroutine = 'no such routine # anywhere'\n", ""),
		"a thousand unknown routines": "title = 'T'\n" + strings.Repeat("[[step]]\nroutine = 'no such routine # anywhere'\n", 1000),
		"sounds that are missing":     fill("title = 'T'\n[[step]]\nrest = '1m'\ncues = [", "{at='1s',sound='s#.wav'},", "]\n"),
		"braces":                      "title = 'T'\n[[step]]\nsay = '" + strings.Repeat("{", 1<<20-100) + "'\n",
		"one long text":               "title = 'T'\n[[step]]\nsay = '" + strings.Repeat("e.g. ", 200_000) + "'\n",
		"open brackets":               "title = " + strings.Repeat("[", 1<<20-100),
		"comments":                    fill("", "# x\n", ""),
		"quotes":                      fill("title = ", `"`, ""),
		"no line ends":                strings.Repeat("a", 1<<20-1),
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{}
			for i := range 1000 {
				files[fmt.Sprintf("mine-%d.toml", i)] = fmt.Sprintf("title = \"A routine of my own, number %d\"\n", i)
			}
			library := routines.Library{folder(files), routines.Builtin()}
			start := time.Now()
			_, err := library.Check(t.Context(), "huge.toml", []byte(text))
			took := time.Since(start)
			t.Log(took)
			if took > maxCompileTime {
				t.Errorf("took %v", took)
			}
			if err == nil || len(err.Error()) > 200_000 {
				t.Errorf("%d bytes of problems: %.200v", len(fmt.Sprint(err)), err)
			}
		})
	}
}
