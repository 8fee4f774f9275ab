package cli

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// benchmarkedProcess makes the binary of the tests the program itself, for BenchmarkProcess.
const benchmarkedProcess = "GUIDED_BENCHMARKED_PROCESS"

// TestBenchmarkedProcess is what BenchmarkProcess starts; by itself it tests nothing.
func TestBenchmarkedProcess(t *testing.T) {
	if os.Getenv(benchmarkedProcess) != "" {
		os.Exit(Main([]string{"version"}, os.Stdout, os.Stderr))
	}
}

// BenchmarkProcess starts a process that prints its version: what initializing the packages costs before the first command.
func BenchmarkProcess(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		cmd := exec.Command(os.Args[0], "-test.run=^TestBenchmarkedProcess$")
		cmd.Env = append(os.Environ(), benchmarkedProcess+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
	}
}

// BenchmarkCommand runs short commands in this process: reading the arguments, the settings and, for list and show, routines.
func BenchmarkCommand(b *testing.B) {
	file := filepath.Join(b.TempDir(), "guided.toml")
	if err := os.WriteFile(file, []byte("[voice]\nengine = \"none\"\n[routines]\ndir = \""+b.TempDir()+"\"\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	for _, args := range [][]string{{"version"}, {"list"}, {"show", "4-4-6"}} {
		b.Run(args[0], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if code := Run(context.Background(), append([]string{"--config", file}, args...), io.Discard, io.Discard); code != Done {
					b.Fatalf("exit %d", code)
				}
			}
		})
	}
}
