package config

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The rules of a time zone mean to us what they mean to the C library, as date(1) tells.
func TestParseTZAsTheSystem(t *testing.T) {
	date, err := exec.LookPath("date")
	if err != nil {
		t.Skip("there is no date(1)")
	}
	for _, tz := range []string{
		"UTC0", "CET-1", "EST5EDT4,M3.2.0,M11.1.0", "CET-1CEST,M3.5.0,M10.5.0/3", "GMT0BST,M3.5.0/1,M10.5.0",
		"AEST-10AEDT,M10.1.0,M4.1.0/3",         // Sydney: summer over the new year
		"NZST-12NZDT,M9.5.0,M4.1.0/3",          // Auckland
		"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", // Lord Howe: half an hour of summer time
		"<-03>3<-02>,M3.5.0/-2,M10.5.0/-1",     // Nuuk before 2023: on the eve
		"<+0330>-3:30", "<-0930>+9:30", "<+0545>-05:45:00",
		"XST3XDT,J60,J300",           // Julian days, without February 29
		"XST3XDT,59/0,299/1",         // and with it
		"IST-2IDT,M3.4.4/26,M10.5.0", // Jerusalem: hours beyond a day
		"XST-5:30:15",
	} {
		t.Run(tz, func(t *testing.T) {
			zone, err := parseTZ(tz)
			if err != nil {
				t.Fatal(err)
			}
			var args []string
			var times []time.Time
			for at := time.Date(2027, 1, 1, 0, 30, 0, 0, time.UTC); at.Year() < 2029; at = at.Add(7 * time.Hour) {
				times = append(times, at)
				args = append(args, "@"+strconv.FormatInt(at.Unix(), 10))
			}
			cmd := exec.Command(date, "-f", "-", "+%Y-%m-%d %H:%M:%S")
			cmd.Env = append(os.Environ(), "TZ="+tz, "LC_ALL=C")
			cmd.Stdin = strings.NewReader(strings.Join(args, "\n") + "\n")
			out, err := cmd.Output()
			if err != nil {
				t.Skip("this date(1) reads no list: ", err)
			}
			for i, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
				if got := times[i].In(zone).Format(time.DateTime); got != line {
					t.Fatalf("%s is %s, and to the system %s", times[i], got, line)
				}
			}
		})
	}
}

func TestParseTZ(t *testing.T) {
	summer, winter := time.Date(2027, 7, 1, 12, 0, 0, 0, time.UTC), time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC)
	t.Setenv("ZONEINFO", "") // so that only installed and embedded zones count
	for name, tt := range map[string]struct {
		tz             string
		winter, summer int // the hours there at 12:00 UTC
	}{
		"a name":                       {"Europe/Berlin", 13, 14},
		"a name behind a colon":        {":America/New_York", 7, 8},
		"a name for old rules":         {"EST5EDT", 7, 8},
		"rules":                        {"CET-1CEST,M3.5.0,M10.5.0/3", 13, 14},
		"rules behind a colon":         {":CET-1CEST,M3.5.0,M10.5.0/3", 13, 14},
		"summer time without its days": {"ABC5DEF", 7, 8},
		"a name in angle brackets":     {"<+05>-5", 17, 17},
		"the file of a zone, also where none is installed": {"/nowhere/zoneinfo/Asia/Tokyo", 21, 21},
		"that of another collection":                       {":/usr/share/zoneinfo/posix/Asia/Tokyo", 21, 21},
		"UTC":                                              {"UTC", 12, 12},
		"a fixed offset":                                   {"Etc/GMT+3", 9, 9},
	} {
		t.Run(name, func(t *testing.T) {
			zone, err := parseTZ(tt.tz)
			if err != nil {
				t.Fatal(err)
			}
			if w, s := winter.In(zone).Hour(), summer.In(zone).Hour(); w != tt.winter || s != tt.summer {
				t.Errorf("%d in winter and %d in summer, want %d and %d", w, s, tt.winter, tt.summer)
			}
		})
	}
	for _, tz := range []string{
		"Europe/Berln", "europe", "CET", "CETT", "CET-1CEST,M3.5.0", "CET-1CEST,M3.5.0,M10.5.0/3x", "CET-1,M3.5.0,M10.5.0", "CET-1CEST,M13.5.0,M10.5.0",
		"CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,J0,J366", "CET-200", "+1", "<+1>", "<+01-1", "Local", ":", "../../etc/passwd", "/etc/passwd", "/nowhere", "\x00", strings.Repeat("A", 1<<20),
	} {
		if tz == "CET" {
			continue // an old name of a zone
		}
		if zone, err := parseTZ(tz); err == nil {
			t.Errorf("%.40q is taken for %s", tz, zone)
		} else if len(err.Error()) > 1000 {
			t.Errorf("%.40q: %d bytes of error", tz, len(err.Error()))
		}
	}
}

func TestLocalZone(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	link := func(name, target string) string {
		t.Helper()
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, name)
	}
	none, empty := filepath.Join(dir, "none"), write("empty", "")
	dangling := link("dangling", "/nowhere/usr/share/zoneinfo/Europe/Berlin")
	berlin, wrong := write("berlin", "Europe/Berlin\n"), write("wrong", "Europe/Berln\n")
	for name, tt := range map[string]struct {
		tz             string
		set            bool
		file, nameFile string
		hour           int    // there at 12:00 UTC in winter
		says           string // in the error; "" for none
	}{
		"a link to a zone that is not installed": {"", false, dangling, none, 13, ""},
		"no file, but a name":                    {"", false, none, berlin, 13, ""},
		"an empty file, but a name":              {"", false, empty, berlin, 13, ""},
		"neither":                                {"", false, none, none, 12, "UTC"},
		"an empty file":                          {"", false, empty, none, 12, "no time zone file"},
		"a name that is wrong":                   {"", false, none, wrong, 12, "Europe/Berln"},
		"TZ":                                     {"Asia/Tokyo", true, dangling, berlin, 21, ""},
		"a mistyped TZ: that of the system":      {"Asia/Tokio", true, dangling, none, 13, "Asia/Tokio"},
		"a mistyped TZ, and none of the system":  {"Asia/Tokio", true, none, none, 12, "UTC"},
		"an empty TZ":                            {"", true, dangling, berlin, 12, "means UTC"},
		"a folder in place of the file, but a good name": {"", false, dir, berlin, 13, ""},
	} {
		t.Run(name, func(t *testing.T) {
			zone, err := localZone(tt.tz, tt.set, tt.file, tt.nameFile)
			if hour := time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC).In(zone).Hour(); hour != tt.hour {
				t.Errorf("%d o'clock, want %d", hour, tt.hour)
			}
			if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("it says %v, want %q", err, tt.says)
			}
		})
	}
}

func TestQuietHoursFollowTheClock(t *testing.T) {
	t.Setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
	c, err := Load(settingsFile(t, "[audio]\nquiet = \"22:00-07:00\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		at   time.Time
		want bool
	}{
		"a summer's evening":             {time.Date(2027, 7, 1, 20, 30, 0, 0, time.UTC), true},
		"the same hour in winter":        {time.Date(2027, 1, 1, 20, 30, 0, 0, time.UTC), false},
		"noon":                           {time.Date(2027, 7, 1, 10, 0, 0, 0, time.UTC), false},
		"a clock that has lost its time": {time.Date(1970, 1, 1, 0, 5, 0, 0, time.UTC), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.quietAt(tt.at); got != tt.want {
				t.Errorf("quiet: %v", got)
			}
		})
	}
}

func TestClockProblem(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	now, lost := time.Date(2027, 7, 1, 0, 0, 0, 0, time.UTC), time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	if clockTrusted(lost, settingsFile(t, "")) {
		t.Error("a clock of the year 2000 is trusted")
	}
	if !clockTrusted(now, settingsFile(t, "")) {
		t.Error("a clock that timesyncd keeps is not trusted")
	}
	_ = clockTrusted(now, none) // depends on this machine's kernel
	for name, tt := range map[string]struct {
		now     time.Time
		trusted bool
		says    string
	}{
		"right":            {now, true, ""},
		"nothing keeps it": {now, false, "quiet hours follow it"},
		"it lost its time": {lost, false, "2000-01-01"},
	} {
		t.Run(name, func(t *testing.T) {
			err := clockProblem(tt.now, tt.trusted)
			if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("it says %v, want %q", err, tt.says)
			}
		})
	}
}
