package routines_test

import (
	"strings"
	"testing"

	"guided/routines"
)

const waiting = `
title = "Waiting"
[[step]]
name = "Lie down"
say  = "Lie down, and say next when you are ready."
hold = "until next"
[[step]]
name = "Rest"
rest = "10s"
`

func TestAHoldUntilNext(t *testing.T) {
	r, err := routines.Parse("waiting.toml", []byte(waiting))
	if err != nil {
		t.Fatal(err)
	}
	file, err := routines.Compile(r, letters, routines.Options{})
	if err != nil {
		t.Fatal(err)
	}
	live, err := routines.Compile(r, letters, routines.Options{Waits: true})
	if err != nil {
		t.Fatal(err)
	}
	wait, waits := live.Waits(live.Marks[live.NextStep(0)].At - 1)
	if !waits || wait.Len < 10*60*routines.Rate {
		t.Fatalf("%+v waits %v", wait, waits)
	}
	t.Run("lasts half a minute in a file", func(t *testing.T) {
		if _, waits := file.Waits(file.Len / 2); waits {
			t.Error("a file waits")
		}
		if got := file.Len - wait.At; got != 40*routines.Rate {
			t.Errorf("%d samples after the words", got)
		}
	})
	t.Run("counts in no length and no position", func(t *testing.T) {
		for at, want := range map[int]int{
			wait.At: wait.At, wait.At + 5: wait.At, wait.At + wait.Len: wait.At,
			live.Len: wait.At + 10*routines.Rate, 7: 7,
		} {
			if got := live.Told(at); got != want {
				t.Errorf("%d is told as %d, want %d", at, got, want)
			}
		}
	})
	t.Run("is known to end where the next step begins", func(t *testing.T) {
		if _, waits := live.Waits(wait.At + wait.Len); waits || live.Marks[live.NextStep(0)].At != wait.At+wait.Len {
			t.Error("it goes on")
		}
	})
	t.Run("leaves a length asked for as it is", func(t *testing.T) {
		o := routines.Options{For: routines.Duration(file.Len + 5*routines.Rate), Waits: true}
		if s, err := routines.Compile(r, letters, o); err != nil || s.Told(s.Len) != live.Told(live.Len)+5*routines.Rate {
			t.Errorf("%v", err)
		}
	})
}

func TestWhatAHoldUntilNextCannotHave(t *testing.T) {
	_, err := routines.Parse("waiting.toml", []byte(`
title = "Waiting"
[[step]]
say  = "Wait."
hold = "until Next"
breathe = "4-6"
cues = [{ at = "halfway", say = "Halfway." }]
fit = ["10s", "20s"]
[[step]]
hold = "until tomorrow"
`))
	if err == nil {
		t.Fatal("it is taken")
	}
	for _, want := range []string{"breathe: has no meaning in a hold until next", "cues: has no", "fit: has no", `"until tomorrow"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no word of %q in\n%v", want, err)
		}
	}
}
