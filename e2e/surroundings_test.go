package e2e

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"guided/player"
)

// serveIn runs `guided serve` as a process of its own with an environment, in an empty working folder, until it plays a
// short routine to its end. It returns the log and the working folder.
func serveIn(t *testing.T, m *machine, cmd *exec.Cmd, env ...string) (log *syncBuffer, folder string) {
	t.Helper()
	folder = t.TempDir()
	cmd.Dir = folder
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	log, ended := startProcess(t, cmd)
	seen := m.observe()
	waitFor(t, "the first state", func() bool { return seen.lastState().State == player.Idle })
	if code, out := m.run("send", "start", "short"); code != 0 {
		t.Fatalf("%s\n%s", out, log)
	}
	waitFor(t, "the end of the routine", func() bool { return seen.sawEvent("routine_finished") })
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-ended
	return log, folder
}

// mountSmall puts a file system of one page over a folder, and removes it at the end of the test.
func mountSmall(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("guided-test", dir, "tmpfs", 0, "size=4k"); err != nil {
		t.Skip("nothing can be mounted here: ", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	writeFile(t, filepath.Join(dir, "full"), strings.Repeat("x", 4096))
}

func readOnly(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("guided-test", dir, "tmpfs", syscall.MS_RDONLY, "size=4k"); err != nil {
		t.Skip("nothing can be mounted here: ", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
}

// Whatever the surroundings lack, the daemon plays, and its log tells once what is missing.
func TestServeInPoorSurroundings(t *testing.T) {
	program := buildProgram(t)
	me, err := user.LookupId("0") // who the daemon is in a user namespace of its own
	if err != nil {
		t.Skip(err)
	}
	emptyHome := "mount -t tmpfs none " + me.HomeDir // nothing is to be left in the real one
	for name, tt := range map[string]struct {
		prepare func(t *testing.T, dir string) // of the folders named in env, as DIR
		env     []string
		shell   string // what a shell does before it becomes the daemon
		says    string
	}{
		"no home at all":             {env: []string{"TZ=UTC"}, shell: emptyHome},
		"a home that does not exist": {env: []string{"HOME=/dev/null/home", "TZ=UTC"}, says: "no identity could be stored"},
		"a relative home":            {env: []string{"HOME=home", "XDG_STATE_HOME=state", "XDG_CACHE_HOME=~/cache", "TZ=UTC"}, shell: emptyHome},
		"a full disk": {env: []string{"HOME=DIR", "XDG_STATE_HOME=DIR/state", "XDG_CACHE_HOME=DIR/cache", "TZ=UTC"}, says: "no space left",
			prepare: func(t *testing.T, dir string) { mountSmall(t, dir+"/state"); mountSmall(t, dir+"/cache") }},
		"a disk that can only be read": {env: []string{"HOME=DIR", "XDG_STATE_HOME=DIR/state", "XDG_CACHE_HOME=DIR/cache", "TZ=UTC"}, says: "read-only file system",
			prepare: func(t *testing.T, dir string) { readOnly(t, dir+"/state"); readOnly(t, dir+"/cache") }},
		"a mistyped time zone": {env: []string{"HOME=DIR", "TZ=Europe/Berln"}, says: "Europe/Berln"},
		"no watches left": {env: []string{"HOME=DIR", "TZ=UTC"}, says: `/routines err="asking the kernel for changes`,
			shell: "echo 0 >/proc/sys/user/max_inotify_instances || exit 1"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, "[audio]\noutput = \"null\"\nlead_in = \"0s\"\n[voice]\nengine = \"command\"\ncommand = [\"false\"]\n")
			writeRoutine(t, m, "short", shortRoutine)
			dir := t.TempDir()
			if tt.prepare != nil {
				tt.prepare(t, dir)
			}
			var env []string
			for _, v := range tt.env {
				env = append(env, strings.ReplaceAll(v, "DIR", dir))
			}
			cmd := exec.Command(program, "--config", m.config, "serve")
			if tt.shell != "" { // the limits of a user namespace are its own
				cmd = exec.Command("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", tt.shell+`; exec "$0" "$@"`, program, "--config", m.config, "serve")
				if out, err := exec.Command("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", tt.shell).CombinedOutput(); err != nil {
					t.Skipf("no user namespace can be made here: %s", out)
				}
			}
			log, folder := serveIn(t, m, cmd, env...)
			if n := strings.Count(log.String(), tt.says); tt.says != "" && (n < 1 || n > 3) {
				t.Errorf("%q is told %d times:\n%s", tt.says, n, log)
			}
			if entries, err := os.ReadDir(folder); err != nil || len(entries) > 0 {
				t.Errorf("the working folder has %v, %v", entries, err)
			}
		})
	}
}
