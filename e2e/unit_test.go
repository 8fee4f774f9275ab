package e2e

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// unitLines are the values of a key of the packaged service, in their order.
func unitLines(t *testing.T, key string) (values []string) {
	t.Helper()
	text, err := os.ReadFile("../packaging/guided.service")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^`+key+`=(.*)$`).FindAllStringSubmatch(string(text), -1) {
		values = append(values, m[1])
	}
	return values
}

func TestPackagedServiceFollowsItsSettings(t *testing.T) {
	t.Run("it reads the settings themselves: systemd makes a copy of a credential once, at the start", func(t *testing.T) {
		start := unitLines(t, "ExecStart")
		if len(start) != 1 || !strings.Contains(start[0], " --config /etc/guided/guided.toml ") {
			t.Errorf("%q", start)
		}
		for _, c := range unitLines(t, "LoadCredential") {
			if strings.Contains(c, "guided.toml") {
				t.Errorf("LoadCredential=%s is a copy of the settings", c)
			}
		}
	})
	t.Run("a reload is asked for as the daemon understands it", func(t *testing.T) {
		if reload := unitLines(t, "ExecReload"); len(reload) != 1 || reload[0] != "/bin/kill -HUP $MAINPID" {
			t.Errorf("%q", reload)
		}
	})
	t.Run("secrets are files of their own, and what stands in for a missing one is not empty: systemd would ignore it", func(t *testing.T) {
		for _, c := range unitLines(t, "LoadCredential") {
			if _, file, _ := strings.Cut(c, ":"); !strings.HasPrefix(file, "/etc/guided/") {
				t.Errorf("LoadCredential=%s", c)
			}
		}
		for _, c := range unitLines(t, "SetCredential") {
			if _, value, _ := strings.Cut(c, ":"); value == "" {
				t.Errorf("SetCredential=%s", c)
			}
		}
	})
	t.Run("both units start the program of the package, and every secret is handed over from where the settings name it", func(t *testing.T) {
		user, err := os.ReadFile("../packaging/guided-user.service")
		if err != nil {
			t.Fatal(err)
		}
		if start := unitLines(t, "ExecStart"); !strings.HasPrefix(start[0], "/usr/bin/guided ") || !strings.Contains(string(user), "\nExecStart=/usr/bin/guided serve\n") {
			t.Errorf("%q, %s", start, user)
		}
		if secrets := unitLines(t, "LoadCredential"); len(secrets) != 1 || secrets[0] != "secrets:/etc/guided/secrets" {
			t.Errorf("%q", secrets)
		}
	})
}
