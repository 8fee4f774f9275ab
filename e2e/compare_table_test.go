package e2e

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// comparison is the run of all measurements.
type comparison struct {
	program string // the guided that is measured
	inputs  string // the folder of the sounds
	withMPD bool
	figures []figure
	missing []string // what failed or was skipped
}

// run measures something in a lab of its own, as a sub-test.
func (c *comparison) run(t *testing.T, name string, do func(l *lab)) (good bool) {
	return t.Run(name, func(t *testing.T) {
		defer func() {
			if t.Failed() || t.Skipped() {
				c.missing = append(c.missing, t.Name())
			}
		}()
		do(newLab(t))
	})
}

// figure is one line of the table.
type figure struct {
	what   string
	unit   string
	digits int
	guided float64
	mpd    float64 // NaN: not measured
	limit  float64 // NaN: none
	// atLeast: the limit is the least, not the most.
	atLeast bool
	// asMPD: the limit is what mpd does, where that was measured. resolution is what a difference must exceed to mean anything.
	asMPD      bool
	resolution float64
}

func (c *comparison) add(f figure) { c.figures = append(c.figures, f) }

// broken tells whether the budget is not kept. What could not be measured keeps none.
func (f figure) broken() bool {
	switch {
	case f.asMPD && !math.IsNaN(f.mpd):
		return !(f.guided <= f.mpd+f.resolution)
	case math.IsNaN(f.limit):
		return false
	case f.atLeast:
		return !(f.guided >= f.limit)
	}
	return !(f.guided <= f.limit)
}

func (f figure) format(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return fmt.Sprintf("%.*f %s", f.digits, v, f.unit)
}

func (f figure) budget() string {
	switch {
	case f.asMPD:
		return "≤ mpd"
	case math.IsNaN(f.limit):
		return "–"
	case f.atLeast:
		return "≥ " + f.format(f.limit)
	}
	return "≤ " + f.format(f.limit)
}

// markdown is the table, under the date and the machine.
func (c *comparison) markdown(t *testing.T) string {
	var b strings.Builder
	version, _ := exec.Command(c.program, "version").CombinedOutput() // what it prints is shown as it is
	fmt.Fprintf(&b, "%s, %s. Window %v, medians of %d. %s; %s; mosquitto, PulseAudio's null sink.\n\n", time.Now().Format("2006-01-02 15:04"), machineName(t), *compareWindow, *compareTrials,
		strings.TrimSpace(string(version)), c.mpdVersion())
	b.WriteString("| | guided | mpd | must be | |\n|---|---|---|---|---|\n")
	for _, f := range c.figures {
		verdict := ""
		if f.broken() {
			verdict = "**broken**"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", f.what, f.format(f.guided), f.format(f.mpd), f.budget(), verdict)
	}
	if len(c.missing) > 0 {
		fmt.Fprintf(&b, "\nNot measured, or not whole: %s.\n", strings.Join(c.missing, "; "))
	}
	return b.String()
}

func (c *comparison) mpdVersion() string {
	if !c.withMPD {
		return "mpd is not installed"
	}
	out, _ := exec.Command("mpd", "--version").Output() // what it prints is shown as it is
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}

// machineName is the processor, the number of cores and the load of the last minute.
func machineName(t *testing.T) string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		t.Fatal(err)
	}
	cores, model := strings.Count("\n"+string(info), "\nprocessor"), "processor unknown"
	for line := range strings.Lines(string(info)) {
		if key, value, _ := strings.Cut(line, ":"); strings.TrimSpace(key) == "model name" || strings.TrimSpace(key) == "Model" {
			model = strings.TrimSpace(value)
		}
	}
	loads, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d × %s, load %s at the end", cores, model, strings.Fields(string(loads))[0])
}
