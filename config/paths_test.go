package config

import (
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
)

// unset removes variables of the environment until the test ends.
func unset(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		t.Setenv(name, "") // restores it at the end
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFoldersWithoutHome(t *testing.T) {
	me, err := user.Current()
	if err != nil {
		t.Skip("this user has no name: ", err)
	}
	unset(t, "STATE_DIRECTORY", "CACHE_DIRECTORY", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "CREDENTIALS_DIRECTORY")
	for name, home := range map[string]string{"unset": "-", "empty": "", "relative": "here"} {
		t.Run(name, func(t *testing.T) {
			if home == "-" {
				unset(t, "HOME")
			} else {
				t.Setenv("HOME", home)
			}
			for got, want := range map[string]string{
				StateDir(): "/.local/state/guided", CacheDir(): "/.cache/guided", ExpandHome("~"): "", ExpandHome("~/a/b"): "/a/b",
				standardFiles()[0]: "/.config/guided/guided.toml",
			} {
				if got != filepath.Clean(me.HomeDir+want) {
					t.Errorf("%s, want %s", got, me.HomeDir+want)
				}
			}
		})
	}
}

func TestFoldersIgnoreRelativePaths(t *testing.T) {
	t.Setenv("HOME", "/home/ada")
	for _, name := range []string{"STATE_DIRECTORY", "CACHE_DIRECTORY", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"} {
		t.Setenv(name, "here")
	}
	for got, want := range map[string]string{
		StateDir(): "/home/ada/.local/state/guided", CacheDir(): "/home/ada/.cache/guided", standardFiles()[0]: "/home/ada/.config/guided/guided.toml",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	t.Setenv("XDG_STATE_HOME", "/else")
	if got := StateDir(); got != "/else/guided" {
		t.Error(got)
	}
	t.Setenv("STATE_DIRECTORY", "/var/lib/guided:/var/lib/second")
	if got := StateDir(); got != "/var/lib/guided" {
		t.Error(got)
	}
}

func TestExpandHome(t *testing.T) {
	t.Setenv("HOME", "/home/ada")
	for path, want := range map[string]string{"~": "/home/ada", "~/r": "/home/ada/r", "~bob/r": "~bob/r", "/r": "/r", "r/~": "r/~", "": ""} {
		if got := ExpandHome(path); got != want {
			t.Errorf("%s becomes %s, want %s", path, got, want)
		}
	}
}

func TestFilesOfSettingsInHome(t *testing.T) {
	home := isolate(t)
	if err := os.WriteFile(filepath.Join(home, "secret"), []byte("word\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(settingsFile(t, "[mqtt]\nuser = \"u\"\npassword_file = \"~/secret\"\n[routines]\ndir = \"~/mine\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	if c.MQTT.PasswordFile != home+"/secret" || c.Routines.Dir != home+"/mine" {
		t.Errorf("%s, %s", c.MQTT.PasswordFile, c.Routines.Dir)
	}
	if _, err := Load(settingsFile(t, "[routines]\ndir = \"~bob/mine\"\n")); err == nil || !strings.Contains(err.Error(), "routines.dir") {
		t.Errorf("another's home: %v", err)
	}
}

func TestRoutinesProblem(t *testing.T) {
	home := isolate(t)
	if err := os.MkdirAll(filepath.Join(home, "exercises"), 0o755); err != nil {
		t.Fatal(err)
	}
	file := settingsFile(t, "")
	for name, tt := range map[string]struct{ text, says string }{
		"the default, which need not exist": {"", ""},
		"one that exists":                   {"dir = \"~/exercises\"", ""},
		"none":                              {"dir = \"\"", ""},
		"a mistyped one":                    {"dir = \"~/exercies\"", `did you mean "` + home + `/exercises"`},
		"one that is far from any":          {"dir = \"/nowhere/mine\"", "no folder /nowhere/mine"},
		"a file":                            {"dir = \"" + file + "\"", "not a folder"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Load(settingsFile(t, "[routines]\n"+tt.text+"\n"))
			if err != nil {
				t.Fatal(err)
			}
			err = c.RoutinesProblem()
			if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("it says %v, want %q", err, tt.says)
			}
		})
	}
}
