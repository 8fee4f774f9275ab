package e2e

import (
	"context"
	"encoding/json"
	"flag"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"golang.org/x/sys/unix"

	"guided/player"
)

var (
	soakFor  = flag.Duration("soak", 2*time.Hour, "how long TestSoak goes on")
	soakSeed = flag.Uint64("soakseed", uint64(time.Now().UnixNano()), "where the random commands of TestSoak begin")
)

// What may grow from the first half of the soak to the second, and what may be written: a day of much use has 300 commands, and here
// come as many in three quarters of an hour.
const (
	soakSamples     = 120
	memoryTolerance = 1.10
	memoryAllowance = 3 << 20 // bytes above that
	countAllowance  = 3       // threads, descriptors
	wakesTolerance  = 1.5     // what plays differs
	commandsADay    = 300
	writtenADay     = 5 << 20 // bytes
)

// expectedWarnings are what the log of a daemon in order may hold while people try everything.
var expectedWarnings = regexp.MustCompile("a scheduled run does not take place|until the clock is trusted|nothing is known to keep the clock right")

// TestSoak lets a daemon with everything on live for hours: a real broker, a real sound server, a schedule, history, a page
// with listeners, and random commands. It stays as it was in the beginning: memory, threads, descriptors, wakes, goroutines.
// It is heard without a gap, writes little, answers every command, and has nothing to complain of.
func TestSoak(t *testing.T) {
	if os.Getenv(longTests) == "" {
		t.Skip("./test-long soak runs it")
	}
	program := buildProgram(t)
	startSink(t)
	m := newMachine(t, `[audio]
output = "pulse"
volume = 30
[history]
keep = true
[resume]
mode = "ask"
[[schedule]]
name    = "Often"
routine = "three-breaths"
every   = "5m"
between = "00:00-23:59"
night   = true
chime   = true
`)
	onDisk(t, os.Getenv("XDG_STATE_HOME"))
	page := m.servePage()
	writeRoutine(t, m, "long", longRoutine)
	writeRoutine(t, m, "noise", "title = \"Noise\"\nbed = \"brown\"\n[[step]]\nhold = \"1h\"\n")
	rested := goroutinesInTheBeginning(t, m, program)

	daemon := serveByTrustedClock(program, m)
	log, ended := startProcess(t, daemon)
	seen := m.observe()
	waitFor(t, "the first state", func() bool { return seen.lastState().State != "" })
	if code, out := m.run("send", "schedule", "on"); code != 0 {
		t.Fatal(out)
	}
	waitForListener(t, "the page", "tcp", strings.TrimPrefix(page, "http://"))
	t.Logf("seed %d, process %d, at rest %d goroutines", *soakSeed, daemon.Process.Pid, rested)

	ctx, cancel := context.WithCancel(t.Context())
	var users sync.WaitGroup
	commands := 0
	users.Go(func() { commands = giveRandomCommands(ctx, t, m) })
	users.Go(func() { visitNowAndThen(ctx, page) })
	began := time.Now()
	meter := newProcessMeter(t, daemon.Process.Pid)
	var samples []processSample
	told := 0 // of the log
	for n := range soakSamples {
		select {
		case <-time.After(time.Until(began.Add(*soakFor * time.Duration(n+1) / soakSamples))):
		case <-ended:
			t.Fatalf("the daemon has ended: %v\n%s", daemon.ProcessState, log)
		}
		s := meter.sample(t)
		samples = append(samples, s)
		t.Logf("%8v %s, %d underruns", time.Since(began).Round(time.Second), s, underrunsIn(log.String()))
		text := log.String()
		for line := range strings.Lines(text[told:]) {
			if strings.Contains(line, "level=WARN") || strings.Contains(line, "level=ERROR") {
				t.Log(line)
			}
		}
		told = len(text)
	}
	cancel()
	users.Wait()
	t.Logf("%d commands, %d routines started", commands, seen.countEvents("routine_started"))

	if n := underrunsIn(log.String()); n > 0 {
		t.Errorf("%d underruns", n)
	}
	for line := range strings.Lines(log.String()) {
		if (strings.Contains(line, "level=WARN") || strings.Contains(line, "level=ERROR")) && !expectedWarnings.MatchString(line) {
			t.Error(line)
		}
	}
	checkFlat(t, samples)
	written := samples[len(samples)-1].written
	perDay := float64(written) / float64(commands) * commandsADay
	t.Logf("written: %d kB; in a day of %d commands %.1f MB", written>>10, commandsADay, perDay/(1<<20))
	if perDay > writtenADay {
		t.Errorf("in a day of %d commands %.1f MB are written", commandsADay, perDay/(1<<20))
	}
	quieten(t, m, seen)
	if n := goroutinesAtRest(t, daemon); n > rested {
		t.Errorf("%d goroutines at rest, and %d in the beginning:\n%s", n, rested, log)
	}
}

// onDisk fails the test where a folder's file system is in memory: nothing is counted as written there.
func onDisk(t *testing.T, folder string) {
	t.Helper()
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(folder, &fs); err != nil || fs.Type == unix.TMPFS_MAGIC {
		t.Fatalf("%s is in memory (%v): set TMPDIR to a folder on a disk", folder, err)
	}
}

// serveByTrustedClock is `guided serve` where systemd-timesyncd seems to have set the clock: in a /run of its own.
func serveByTrustedClock(program string, m *machine) *exec.Cmd {
	return exec.Command("unshare", "--user", "--map-root-user", "--mount", "sh", "-ec",
		`mount -t tmpfs none /run; mkdir -p /run/systemd/timesync; : >/run/systemd/timesync/synchronized; exec "$0" "$@"`, program, "--config", m.config, "serve")
}

// goroutinesInTheBeginning counts the goroutines of a daemon that has played nothing.
func goroutinesInTheBeginning(t *testing.T, m *machine, program string) int {
	t.Helper()
	seen := m.observe()
	daemon := serveByTrustedClock(program, m)
	log, _ := startProcess(t, daemon)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the daemon of the beginning:\n%s", log)
		}
	})
	waitFor(t, "the first state of the daemon of the beginning", func() bool { return seen.lastState().State != "" })
	quieten(t, m, seen)
	return goroutinesAtRest(t, daemon)
}

// quieten lets nothing start by itself, and stops what plays.
func quieten(t *testing.T, m *machine, seen *observer) {
	t.Helper()
	for _, words := range [][]string{{"schedule", "off"}, {"stop"}} {
		if code, out := m.run(append([]string{"send"}, words...)...); code != 0 {
			t.Fatal(out)
		}
	}
	waitFor(t, "idle", func() bool { return seen.lastState().State == player.Idle })
}

// randomWords is a command as people give them.
func randomWords(r *rand.Rand) string {
	one := func(of ...string) string { return of[r.IntN(len(of))] }
	start := func() string {
		words := "start " + one("4-4-6", "box", "coherent", "three-breaths", "posture-reset", "neck-tilts", "yoga", "unwind", "strength", "sigh", "long", "noise")
		for range r.IntN(3) {
			words += one(" for 5m", " for 2m", " volume 40", " volume 0", " voice michael", " voice heart", " verbosity short", " holds off", " bed none", " bed rain", " bed brown", " fade_in 5s", " fade_out 10s", " seed 7")
		}
		return words
	}
	return one(start(), start(), one("pause", "resume", "toggle", "next", "back", "repeat"), one("next", "next", "back", "resume"), one("stop", "start", "status"),
		one("extend 30s", "slower", "faster"), one("volume 30", "volume 60", "duck", "unduck"), one("say Hello.", "say Dinner is ready.", "select yoga"), one("snooze", "skip_run", "resume"))
}

// giveRandomCommands gives a command every eight seconds or so, with some minutes of rest now and then, until ctx ends, and
// returns how many. Each is answered.
func giveRandomCommands(ctx context.Context, t *testing.T, m *machine) (n int) {
	client := connectMQTT(t, m.port)
	defer client.Disconnect(100)
	answers := make(chan player.Response, 100)
	token := client.Subscribe("guided/mat/response", 1, func(_ paho.Client, message paho.Message) {
		answers <- decode[player.Response](message.Payload())
	})
	if !token.WaitTimeout(deadline) || token.Error() != nil {
		t.Errorf("the broker refuses the subscription: %v", token.Error())
		return 0
	}
	r := rand.New(rand.NewPCG(*soakSeed, 0))
	for {
		pause := time.Duration(r.IntN(16_000)) * time.Millisecond
		if r.IntN(100) == 0 {
			pause = time.Duration(1+r.IntN(4)) * time.Minute
		}
		select {
		case <-ctx.Done():
			return n
		case <-time.After(pause):
		}
		words := randomWords(r)
		payload, _ := json.Marshal(map[string]string{"command": words, "transaction": strconv.Itoa(n)}) // of texts alone
		client.Publish("guided/mat/command", 1, false, payload)
		for answered, late := false, time.After(deadline); !answered; {
			select {
			case a := <-answers:
				answered = a.Transaction == strconv.Itoa(n)
				if answered && a.Status != "ok" && a.Error == "" {
					t.Errorf("%q is answered %+v", words, a)
				}
			case <-late:
				t.Errorf("%q, command %d, is never answered", words, n)
				answered = true
			}
		}
		n++
	}
}

// visitNowAndThen opens the page, its news, and the live sound for a while, again and again, until ctx ends. What it is
// answered is looked at in the tests of the page.
func visitNowAndThen(ctx context.Context, page string) {
	r := rand.New(rand.NewPCG(*soakSeed, 1))
	transport := &http.Transport{DisableKeepAlives: true}
	for ctx.Err() == nil {
		visit, leave := context.WithTimeout(ctx, time.Duration(5+r.IntN(40))*time.Second)
		var streams sync.WaitGroup
		for _, path := range []string{"/", "/api/info", "/api/history", "/api/routines/yoga", "/api/events", "/live.wav"} {
			streams.Go(func() {
				request, err := http.NewRequestWithContext(visit, http.MethodGet, page+path, nil)
				if err != nil {
					return
				}
				if answer, err := transport.RoundTrip(request); err == nil {
					_, _ = io.Copy(io.Discard, answer.Body)
					answer.Body.Close()
				}
			})
		}
		streams.Wait()
		leave()
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(r.IntN(240)) * time.Second):
		}
	}
}

// underrunsIn sums up the gaps of which a log tells.
func underrunsIn(log string) (n int) {
	for _, found := range regexp.MustCompile(`the sound was interrupted.* times=(\d+)`).FindAllStringSubmatch(log, -1) {
		times, _ := strconv.Atoi(found[1]) // the pattern is a number
		n += times
	}
	return n
}

// checkFlat compares the second half of the soak with the first, the first samples of which see what is made once.
func checkFlat(t *testing.T, samples []processSample) {
	t.Helper()
	first, second := samples[len(samples)/12:len(samples)/2], samples[len(samples)/2:]
	for _, x := range []struct {
		what               string
		of                 func(s processSample) float64
		tolerance, allowed float64
	}{
		{"resident bytes", func(s processSample) float64 { return float64(s.resident) }, memoryTolerance, memoryAllowance},
		{"anonymous bytes", func(s processSample) float64 { return float64(s.anonymous) }, memoryTolerance, memoryAllowance},
		{"threads", func(s processSample) float64 { return float64(s.threads) }, 1, countAllowance},
		{"descriptors", func(s processSample) float64 { return float64(s.descriptors) }, 1, countAllowance},
		{"wakes a second", func(s processSample) float64 { return s.wakes }, wakesTolerance, 5},
	} {
		before, after := medianOf(first, x.of), medianOf(second, x.of)
		t.Logf("%s: median %.0f in the first half, %.0f in the second", x.what, before, after)
		if after > before*x.tolerance+x.allowed {
			t.Errorf("%s grow: median %.0f in the first half, %.0f in the second", x.what, before, after)
		}
	}
}

func medianOf(samples []processSample, of func(s processSample) float64) float64 {
	var values []float64
	for _, s := range samples {
		values = append(values, of(s))
	}
	slices.Sort(values)
	return values[len(values)/2]
}
