package web_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"guided/audio"
	"guided/audio/mix"
	"guided/routines"
)

// rendered is a routine as the command line renders it: the sound, without a header.
func (p *place) rendered(name string, o routines.Options) string {
	p.t.Helper()
	r, err := p.library.Load(name)
	if err != nil {
		p.t.Fatal(err)
	}
	score, err := routines.Compile(r, p.bank.Measure, o)
	if err != nil {
		p.t.Fatal(err)
	}
	clips, err := p.bank.Load(context.Background(), score)
	if err != nil {
		p.t.Fatal(err)
	}
	var b strings.Builder
	if err := audio.WriteWAV(&b, mix.Render(score, clips), score.Len, nil); err != nil {
		p.t.Fatal(err)
	}
	return b.String()
}

// differ tells where two sounds differ.
func differ(got, want string) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d bytes, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			return fmt.Sprintf("byte %d differs", i)
		}
	}
	return ""
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
