package config

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
	_ "time/tzdata" // the zones, for machines without /usr/share/zoneinfo: 450 kB
)

// Where a system says in which time zone it stands.
const (
	systemZone     = "/etc/localtime" // a link to a file of zoneinfo, or a copy of one: localtime(5)
	systemZoneName = "/etc/timezone"  // its name alone: Debian
)

// maxZoneFile bounds a file of zoneinfo, in bytes; the largest there is has 4,000.
const maxZoneFile = 1 << 20

// LocalZone is the time zone of quiet hours: that of TZ, else that of the system. Unlike [time.Local] it needs no zoneinfo
// on the machine, knows every form of TZ (tzset(3)), and never takes UTC in silence: the error says what was not
// understood, and the zone that is used in its place is in it. The zone is never nil.
func LocalZone() (*time.Location, error) {
	tz, set := os.LookupEnv("TZ")
	return localZone(tz, set, systemZone, systemZoneName)
}

func localZone(tz string, set bool, file, nameFile string) (*time.Location, error) {
	if set && tz == "" {
		return time.UTC, errors.New(`TZ is set and empty, which means UTC; unset it for the system's time zone, or name one such as "Europe/Berlin"`)
	}
	if !set {
		return readSystemZone(file, nameFile)
	}
	zone, err := parseTZ(tz)
	if err == nil {
		return zone, nil
	}
	zone, failed := readSystemZone(file, nameFile)
	return zone, errors.Join(fmt.Errorf("%w; %s is used in its place", err, describeZone(zone)), failed)
}

// describeZone is a zone's name with its present offset, such as "Local (+02:00)".
func describeZone(zone *time.Location) string {
	return fmt.Sprintf("%s (%s)", zone, time.Now().In(zone).Format("-07:00"))
}

// readSystemZone is the zone of the file localtime, also where it is a link to a zone that is not installed, else the one
// that nameFile names, else UTC with an error.
func readSystemZone(file, nameFile string) (*time.Location, error) {
	data, err := ReadFile(file, maxZoneFile)
	if err == nil {
		var zone *time.Location
		if zone, err = time.LoadLocationFromTZData("Local", data); err == nil {
			return zone, nil
		}
		err = fmt.Errorf("%s is no time zone file", file)
	}
	if target, failed := os.Readlink(file); failed == nil {
		if zone, failed := zoneOfPath(target); failed == nil {
			return zone, nil
		}
	}
	name, failed := ReadFile(nameFile, maxZoneFile)
	if name := strings.TrimSpace(string(name)); failed == nil && name != "" {
		zone, failed := time.LoadLocation(name)
		if failed == nil {
			return zone, nil
		}
		err = errors.Join(err, fmt.Errorf("%s: %w", nameFile, failed))
	}
	return time.UTC, fmt.Errorf("the system names no time zone, so hours are taken as UTC; set one (timedatectl set-timezone Europe/Berlin, or TZ=Europe/Berlin): %w", err)
}

// parseTZ is the zone that a value of TZ means (tzset(3)): a file of zoneinfo, a name such as Europe/Berlin, or the rules
// themselves such as CET-1CEST,M3.5.0,M10.5.0/3. It may begin with a colon.
func parseTZ(tz string) (*time.Location, error) {
	name := strings.TrimPrefix(tz, ":")
	if filepath.IsAbs(name) {
		data, err := ReadFile(name, maxZoneFile)
		if err == nil {
			if zone, err := time.LoadLocationFromTZData(name, data); err == nil {
				return zone, nil
			}
			return nil, fmt.Errorf("TZ=%.80s is no time zone file", tz)
		}
		if zone, failed := zoneOfPath(name); failed == nil {
			return zone, nil
		}
		return nil, fmt.Errorf("TZ=%.80s: %w", tz, err)
	}
	if name != "" && name != "Local" {
		if zone, err := time.LoadLocation(name); err == nil {
			return zone, nil
		}
	}
	if zone, err := zoneOfRules(name); err == nil {
		return zone, nil
	}
	return nil, fmt.Errorf("TZ=%.80q is neither a time zone, such as Europe/Berlin, nor the rules of one, such as CET-1CEST,M3.5.0,M10.5.0/3", tz)
}

// zoneOfPath is the zone whose file would lie at a path such as /usr/share/zoneinfo/Europe/Berlin.
func zoneOfPath(path string) (*time.Location, error) {
	_, name, is := strings.Cut(path, "zoneinfo/")
	name = strings.TrimPrefix(name, "posix/")
	if !is || name == "" {
		return nil, errors.New("it does not lie in zoneinfo")
	}
	return time.LoadLocation(name)
}

// rules is the form of the rules of a time zone (POSIX.1, "Environment Variables", TZ): a name and its offset, the same for
// the summer time, and when that begins and ends. Hours go up to 167 and may be negative, as in RFC 9636.
var rules = func() *regexp.Regexp {
	const name = `([A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)`
	const clock = `[+-]?\d{1,3}(:\d{1,2}(:\d{1,2})?)?`
	const day = `(J\d{1,3}|\d{1,3}|M\d{1,2}\.\d\.\d)(/` + clock + `)?`
	return regexp.MustCompile(`^` + name + clock + `(` + name + `(` + clock + `)?(,` + day + `,` + day + `)?)?$`)
}()

// zoneOfRules is a zone that follows rules at all times. The time package evaluates rules only at the end of a file of
// zoneinfo, so it is given one that holds nothing else (RFC 9636).
func zoneOfRules(text string) (*time.Location, error) {
	const unread = "???" // the name that remains where the time package does not understand the rules
	if !rules.MatchString(text) {
		return nil, errors.New("these are no rules of a time zone")
	}
	var b bytes.Buffer
	header := func(zones, names uint32) {
		b.WriteString("TZif2" + strings.Repeat("\x00", 15))
		for _, n := range [6]uint32{3: 0, 4: zones, 5: names} {
			_ = binary.Write(&b, binary.BigEndian, n) // a bytes.Buffer cannot fail
		}
	}
	header(0, 0) // the 32-bit part, which is skipped
	header(1, uint32(len(unread)+1))
	b.WriteString("\x00\x00\x00\x00\x00\x00" + unread + "\x00") // offset 0, no summer time, the name at 0
	b.WriteString("\n" + text + "\n")
	zone, err := time.LoadLocationFromTZData(text, b.Bytes())
	if err != nil {
		return nil, err
	}
	if name, _ := time.Now().In(zone).Zone(); name == unread {
		return nil, errors.New("a value in these rules is out of its range")
	}
	return zone, nil
}
