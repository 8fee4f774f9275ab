package e2e

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"guided/cli"
)

// TestRenderOnOtherArchitectures builds the program for the architectures of the Raspberry Pi, without cgo, and compares
// its renders under qemu with those of this machine. Four 16-bit steps of difference are allowed, because the Opus decoder
// rounds differently there.
func TestRenderOnOtherArchitectures(t *testing.T) {
	caches, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE").Output() // before isolate changes the home folder
	if err != nil {
		t.Fatal(err)
	}
	cache, modules, _ := strings.Cut(strings.TrimSpace(string(caches)), "\n")
	dir := isolate(t)
	renders := map[string][]string{"words alone": {"4-4-6", "--for", "1m"}, "words over a bed": {"posture-reset", "--bed", "waves", "--voice", "michael"}}
	want := map[string][]int16{}
	for name, of := range renders {
		here := filepath.Join(dir, "here.wav")
		if code, _, stderr := runCommand(t, append([]string{"render", "-o", here}, of...)...); code != cli.Done {
			t.Fatal(stderr)
		}
		want[name] = readSamples(t, here)
	}
	for _, m := range []struct{ arch, arm, qemu, libs, flags string }{
		{"arm64", "", "qemu-aarch64-static", "/usr/aarch64-linux-gnu", ""},
		{"arm", "6", "qemu-arm-static", "/usr/arm-linux-gnueabihf", "-I /lib/ld-linux-armhf.so.3"},
	} {
		t.Run(m.arch, func(t *testing.T) {
			qemu := requireProgram(t, m.qemu)
			if _, err := os.Stat(m.libs); err != nil && os.Getenv("CI") != "true" {
				t.Skip(err)
			}
			program := filepath.Join(dir, "guided-"+m.arch)
			build := exec.Command("go", "build", "-ldflags", m.flags, "-o", program, "..")
			build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+m.arch, "GOARM="+m.arm, "GOCACHE="+cache, "GOMODCACHE="+modules)
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for name, of := range renders {
				there := filepath.Join(dir, m.arch+".wav")
				if out, err := exec.Command(qemu, append([]string{"-L", m.libs, program, "render", "-o", there}, of...)...).CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				got := readSamples(t, there)
				if len(got) != len(want[name]) {
					t.Fatalf("%s: %d samples, here %d", name, len(got), len(want[name]))
				}
				worst := 0
				for i, w := range want[name] {
					worst = max(worst, int(got[i])-int(w), int(w)-int(got[i]))
				}
				t.Logf("%s: the largest difference is %d steps", name, worst)
				if worst > 4 {
					t.Errorf("%s: the largest difference is %d steps, want at most 4", name, worst)
				}
			}
		})
	}
}

func readSamples(t *testing.T, file string) []int16 {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const header = 44
	list := make([]int16, (len(data)-header)/2)
	for i := range list {
		list[i] = int16(binary.LittleEndian.Uint16(data[header+2*i:]))
	}
	return list
}
