package routines_test

import (
	"strings"
	"testing"
	"time"

	"guided/routines"
)

// These tests find products and sums of samples that overflow an int of 32 bits, as GOARM=6 has it. They pass with 64 bits
// either way: run them with GOARCH=386.

func TestFitLongBreathsAfterAShortOne(t *testing.T) {
	for _, from := range []string{"0.5-0.5", "0.6-0.5", "0.7-0.5", "1-1"} {
		r := parseSteps(t, "[[step]]\nbreathe = '60-60'\nfrom = '"+from+"'\nover = '1 breath'\nfor = '4m'\n")
		for _, want := range []time.Duration{5 * time.Minute, time.Hour, 3 * time.Hour, 4*time.Hour - time.Minute} {
			s, err := routines.Compile(t.Context(), r, measureLetters, routines.Options{For: want})
			if err != nil {
				t.Errorf("from %s, %v: %v", from, want, err)
				continue
			}
			if off := routines.Duration(s.Len) - want; off.Abs() > time.Minute+5*time.Second {
				t.Errorf("from %s: asked for %v, it lasts %v", from, want, routines.Duration(s.Len))
			}
		}
	}
}

func TestCompileRefusesLongBreathsBeforeShortOnes(t *testing.T) {
	r := parseSteps(t, "[[step]]\nbreathe = '0.5-0.5'\nfrom = '60-60'\nover = '1000 breaths'\nfor = '1000 breaths'\ncount = 'silent'\n")
	if _, err := routines.Compile(t.Context(), r, measureLetters, routines.Options{}); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("got %v, want that it is too long", err)
	}
}

func TestReviseRefusesAnExtensionOfDays(t *testing.T) {
	for name, text := range map[string]string{
		"in a hold":                 "[[step]]\nhold = '20s'\n",
		"in silence":                "[[step]]\nsay = 'Sit tall.'\n",
		"in a breathing step":       "[[step]]\nbreathe = '60-60'\nfor = '2 breaths'\n",
		"on the first of two sides": "[[step]]\nhold = '20s'\nsides = true\n",
	} {
		t.Run(name, func(t *testing.T) {
			r := parseSteps(t, "breath = '60-60'\n"+text)
			heard, err := routines.Compile(t.Context(), r, measureLetters, routines.Options{})
			if err != nil {
				t.Fatal(err)
			}
			// 746 breaths of two minutes are 41 seconds more than 2^32 samples.
			change := routines.Change{At: routines.Rate / 10, Extend: routines.Length{Breaths: 746}}
			if s, _, err := routines.Revise(t.Context(), r, measureLetters, routines.Options{}, heard, change); err == nil {
				t.Errorf("it lasts %v", routines.Duration(s.Len))
			} else if !strings.Contains(err.Error(), "too long") {
				t.Errorf("got %v, want that it is too long", err)
			}
		})
	}
}

func TestSamplesOfAnyDuration(t *testing.T) {
	for _, d := range []time.Duration{5 * time.Hour, 13 * time.Hour, 100 * time.Hour, 1<<63 - 1} {
		if n := routines.Samples(d); n <= routines.Samples(4*time.Hour) {
			t.Errorf("%v is %d samples", d, n)
		}
		if n := routines.Samples(-d); n >= -routines.Samples(4*time.Hour) {
			t.Errorf("%v is %d samples", -d, n)
		}
	}
}
