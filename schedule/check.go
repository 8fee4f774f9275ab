package schedule

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
)

// CheckFile says what the daemon's own file of entries holds. The error is what is wrong with it or was wrong with the one
// before, and what to do. It changes nothing.
func CheckFile(file string) (string, error) {
	var problems []error
	anothers := false
	s := readStore(file, slog.New(slog.DiscardHandler), func(damaged, lost string, why error) {
		if errors.Is(why, fs.ErrPermission) {
			anothers = true
			return
		}
		problems = append(problems, fmt.Errorf("%s cannot be read: %w; the daemon moves it aside at its next start, and then %s. Correct or remove it", damaged, why, lost))
	})
	own := s.entries(nil)
	for _, why := range s.leftOut {
		problems = append(problems, fmt.Errorf("%s; it is left out. Change it on the page, or in the file while the daemon is off", why))
	}
	for _, damaged := range []string{aside(file), aside(s.memoryFile())} {
		if _, err := os.Stat(damaged); err == nil {
			problems = append(problems, fmt.Errorf("%s could not be read and was moved aside: what stands in it does not count. Take from it what you need, and remove it to have this check good again", damaged))
		}
	}
	switch {
	case len(problems) > 0:
		return "", errors.Join(problems...)
	case anothers:
		return file + " is another user's", nil
	case len(own) == 0:
		return "no entries were made on the page", nil
	case len(own) == 1:
		return "one entry was made on the page, in " + file, nil
	}
	return fmt.Sprintf("%d entries were made on the page, in %s", len(own), file), nil
}
