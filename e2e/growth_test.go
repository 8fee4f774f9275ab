package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"guided/audio"
	"guided/player"
)

// packagedMemory is MemoryMax= of packaging/guided.service, and packagedGoLimit its GOMEMLIMIT.
const (
	packagedMemory  = 256 << 20
	packagedGoLimit = "160MiB"
)

// longTests is the variable with which ./test-long asks for the full size of what the tests do.
const longTests = "GUIDED_LONG_TESTS"

// sizeOf is n in ./test-long, and a tenth of it otherwise.
func sizeOf(n int) int {
	if os.Getenv(longTests) != "" {
		return n
	}
	return n / 10
}

// limitedDaemon is a daemon in a control group with the limits of the package, which plays all the time.
type limitedDaemon struct {
	t       *testing.T
	machine *machine
	seen    *observer
	cmd     *exec.Cmd
	log     *syncBuffer
	ended   chan struct{}
	address string
	files   string // the path of the folder with the routines as files
	endsAt  time.Time
}

const growthToken = "a-token-of-the-growth-tests"

func startLimitedDaemon(t *testing.T, program string) *limitedDaemon {
	t.Helper()
	group := newMemoryGroup(t, packagedMemory)
	address := unusedAddress(t)
	m := newMachine(t, silentSettings)
	text, err := os.ReadFile(m.config)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, m.config, strings.Replace(string(text), `listen = ""`, fmt.Sprintf("listen = %q\ntoken = %q", address, growthToken), 1))
	writeRoutine(t, m, "background", "title = \"Background\"\n"+strings.Repeat("[[step]]\nhold = \"1h\"\n", 3))
	d := &limitedDaemon{t: t, machine: m, address: address, seen: m.observe()}
	d.cmd = group.command(program, "--config", m.config, "serve")
	d.cmd.Env = append(os.Environ(), "GOMEMLIMIT="+packagedGoLimit)
	d.log, d.ended = startProcess(t, d.cmd)
	waitForListener(t, "the page", "tcp", address)
	waitFor(t, "the first state", func() bool { return d.seen.lastState().State == player.Idle })
	if code, out := m.run("send", "start", "background"); code != 0 {
		t.Fatal(out)
	}
	waitFor(t, "the routine", func() bool { s := d.seen.lastState(); return s.State == player.Playing && s.EndsAt != nil })
	var info string
	waitFor(t, "a routine as a file", func() bool { // the library is read meanwhile
		_, info, err = d.get(t.Context(), "/api/info")
		d.files = regexp.MustCompile(`/audio/[^/"]+/`).FindString(info)
		return err != nil || d.files != ""
	})
	if err != nil {
		t.Fatalf("no routine is there as a file: %v\n%s", err, info)
	}
	d.endsAt = *d.seen.lastState().EndsAt
	return d
}

// folder is the path of a file in the folder of routines.
func (d *limitedDaemon) folder(name string) string {
	return filepath.Join(filepath.Dir(d.machine.config), "routines", name)
}

// get reads a page, and returns its status and how its body begins, up to 1 MB.
func (d *limitedDaemon) get(ctx context.Context, path string) (status int, begin string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+d.address+path, nil)
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Authorization", "Bearer "+growthToken)
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err == nil {
		_, err = io.Copy(io.Discard, response.Body)
	}
	return response.StatusCode, string(data), err
}

// check fails the test when the daemon has ended, or its routine was interrupted, or it does not answer.
func (d *limitedDaemon) check() {
	d.t.Helper()
	select {
	case <-d.ended:
		d.t.Fatalf("the daemon has ended: %v\n%s", d.cmd.ProcessState, d.log)
	default:
	}
	code, out := d.machine.run("send", "status")
	for end := time.Now().Add(deadline); code != 0 && time.Now().Before(end); code, out = d.machine.run("send", "status") {
		select {
		case <-d.ended:
			d.t.Fatalf("the daemon has ended: %v\n%s", d.cmd.ProcessState, d.log)
		default:
		}
	}
	if code != 0 {
		d.t.Errorf("it does not answer: %s", out)
	}
	s := d.seen.lastState()
	if s.State != player.Playing || s.EndsAt == nil {
		d.t.Fatalf("the routine is %s: %s", s.State, s.Error)
	}
	if late := s.EndsAt.Sub(d.endsAt).Abs(); late > time.Second {
		d.t.Errorf("the routine has moved by %v", late)
	}
	for _, event := range []string{"problem", "paused", "routine_stopped", "routine_finished"} {
		if d.seen.sawEvent(event) {
			d.t.Errorf("there was the event %s\n%s", event, d.log)
		}
	}
}

// parallel calls do n times, at most width at once.
func parallel(n, width int, do func(i int)) {
	var running sync.WaitGroup
	places := make(chan struct{}, width)
	for i := range n {
		places <- struct{}{}
		running.Go(func() { do(i); <-places })
	}
	running.Wait()
}

// TestMemoryUnderPackagedLimits lets everything grow that a library or a stranger can make grow, each while a routine plays
// within the limits of the package; each begins with a new daemon. ./test-long does it in full size.
func TestMemoryUnderPackagedLimits(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes minutes")
	}
	program := buildProgram(t)
	var d *limitedDaemon
	for _, growth := range []struct {
		name string
		grow func(t *testing.T)
	}{
		{"nothing", func(*testing.T) {}},
		{"a bed of 290 s", func(t *testing.T) {
			d.writeWAV(t, "bed.wav", 290*audio.Rate)
			writeRoutine(t, d.machine, "bedded", "title = \"Bedded\"\nbed = \"bed.wav\"\n[[step]]\nhold = \"5m\"\n")
			d.render(t, "bedded")
		}},
		{"a sound of an hour over a bed of an hour", func(t *testing.T) {
			d.writeWAV(t, "hour.wav", 3600*audio.Rate)
			writeRoutine(t, d.machine, "hours", "title = \"Hours\"\nbed = \"hour.wav\"\n[[step]]\nsound = \"hour.wav\"\n")
			d.render(t, "hours")
		}},
		{"a WAV file of 1.2 GB", func(t *testing.T) {
			d.writeWAV(t, "huge.wav", 300_000_000)
			writeRoutine(t, d.machine, "huge", "title = \"Huge\"\n[[step]]\nsound = \"huge.wav\"\n")
			d.render(t, "huge")
			for _, name := range []string{"huge.toml", "huge.wav"} {
				if err := os.Remove(d.folder(name)); err != nil {
					t.Fatal(err)
				}
			}
		}},
		{"150 requests for FLAC, abandoned", func(t *testing.T) {
			parallel(sizeOf(150), 30, func(i int) {
				ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
				defer cancel()
				_, _, _ = d.get(ctx, fmt.Sprintf("%s4-4-6.flac?for=%ds", d.files, 60+i)) // it is to be abandoned
			})
		}},
		{"a payload of 150 MB over MQTT", func(t *testing.T) {
			pub := exec.Command(requireProgram(t, "mosquitto_pub"), "-p", d.machine.port, "-t", "guided/mat/command", "-s")
			pub.Stdin = io.LimitReader(zeros{}, int64(sizeOf(150)<<20))
			_ = pub.Run() // the broker may refuse it
		}},
		{"12,000 idle connections", func(t *testing.T) {
			var mu sync.Mutex
			var open []net.Conn
			parallel(sizeOf(12_000), 100, func(int) {
				if c, err := net.DialTimeout("tcp", d.address, 5*time.Second); err == nil { // one that is refused is no growth
					mu.Lock()
					defer mu.Unlock()
					open = append(open, c)
				}
			})
			t.Logf("%d connections are open", len(open))
			d.check()
			for _, c := range open {
				c.Close()
			}
		}},
		{"3,000 streams of events", func(t *testing.T) {
			var mu sync.Mutex
			var open []net.Conn
			parallel(sizeOf(3_000), 100, func(int) {
				c, err := net.DialTimeout("tcp", d.address, 5*time.Second)
				if err != nil {
					return // one that is refused is no growth
				}
				fmt.Fprintf(c, "GET /api/events HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", d.address, growthToken)
				_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
				_, _ = bufio.NewReader(c).ReadString('\n') // until it is answered
				mu.Lock()
				defer mu.Unlock()
				open = append(open, c)
			})
			d.check()
			for _, c := range open {
				c.Close()
			}
		}},
		{"100 pictures of a long routine", func(t *testing.T) {
			writeRoutine(t, d.machine, "breaths", "title = \"Breaths\"\n"+strings.Repeat("[[step]]\nbreathe = \"1-1\"\nfor = \"1h\"\n", 3))
			parallel(sizeOf(100), 20, func(int) {
				ctx, cancel := context.WithTimeout(t.Context(), deadline)
				defer cancel()
				_, _, _ = d.get(ctx, "/api/timeline/breaths.svg") // whatever it answers, the daemon goes on
			})
		}},
		{"a routine with names of 300 kB", func(t *testing.T) {
			var text strings.Builder
			text.WriteString("title = \"Names\"\n")
			for i := range 300 {
				fmt.Fprintf(&text, "[[step]]\nname = %q\nhold = \"1s\"\n", fmt.Sprintf("%d %s", i, strings.Repeat("n", 1000)))
			}
			writeRoutine(t, d.machine, "names", text.String())
		}},
	} {
		t.Run(growth.name, func(t *testing.T) {
			d = startLimitedDaemon(t, program)
			pid := d.cmd.Process.Pid
			resetPeak(t, pid)
			began := time.Now()
			growth.grow(t)
			d.check()
			t.Logf("%-34s %4d MB at most, in %v", growth.name, peakMemory(pid)>>20, time.Since(began).Round(time.Millisecond))
		})
	}
}

// zeros is an endless source of zero bytes.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// writeWAV writes a silent file of 16-bit stereo, which takes no room on the disk.
func (d *limitedDaemon) writeWAV(t *testing.T, name string, frames int) {
	t.Helper()
	writeFile(t, d.folder(name), string(audio.WAVHeader(frames)))
	if err := os.Truncate(d.folder(name), audio.WAVHeaderBytes+int64(frames)*audio.FrameBytes); err != nil {
		t.Fatal(err)
	}
}

// render waits until the routine is in the library, and asks for it as a file, whatever the answer is.
func (d *limitedDaemon) render(t *testing.T, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	for { // until the change in the folder has been seen, or the routine is refused
		status, begin, err := d.get(ctx, d.files+name+".wav")
		if err != nil || status != http.StatusNotFound || ctx.Err() != nil {
			t.Logf("%s as a file: status %d, %.40q, %v", name, status, begin, err)
			return
		}
		<-time.After(debounceOfLibrary)
	}
}

// debounceOfLibrary is how long a change in the folder may take to be looked at.
const debounceOfLibrary = 300 * time.Millisecond
