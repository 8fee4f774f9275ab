package web

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"regexp"

	"guided/routines"
)

// saved is what a name may be that is saved under.
var saved = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

var errNoFolder = errors.New("there is no folder for routines of your own; set routines.dir")

// own tells whether a routine lies in the user's folder.
func (s *server) own(name string) bool {
	if s.cfg.Own == "" {
		return false
	}
	info, err := fs.Stat(os.DirFS(s.cfg.Own), name+".toml")
	return err == nil && info.Mode().IsRegular()
}

// save writes a routine into the user's folder, where it has no problem.
func (s *server) save(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	var in written
	if !body(w, r, &in) {
		return
	}
	if err := s.mayWrite(name); err != nil {
		answer(w, http.StatusBadRequest, failure{Error: err.Error()})
		return
	}
	if _, _, problems := s.examine(r.Context(), name, in.TOML); len(problems) > 0 {
		answer(w, http.StatusBadRequest, failure{"the routine has problems and was not saved", problems})
		return
	}
	if err := s.write(name+".toml", []byte(in.TOML)); err != nil {
		s.log.Error("a routine cannot be saved", "routine", name, "err", err)
		answer(w, http.StatusInternalServerError, failure{Error: err.Error()})
		return
	}
	s.player.Rescan()
	answer(w, http.StatusOK, map[string]string{"saved": name})
}

// remove puts one of the user's routines aside.
func (s *server) remove(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if !saved.MatchString(name) || !s.own(name) {
		answer(w, http.StatusNotFound, failure{Error: fmt.Sprintf("%q is none of your own routines", short(name))})
		return
	}
	root, err := os.OpenRoot(s.cfg.Own)
	if err == nil {
		defer root.Close()
		err = root.Rename(name+".toml", name+".toml.bak")
	}
	if err != nil {
		s.log.Error("a routine cannot be removed", "routine", name, "err", err)
		answer(w, http.StatusInternalServerError, failure{Error: err.Error()})
		return
	}
	s.player.Rescan()
	answer(w, http.StatusOK, map[string]string{"removed": name})
}

// mayWrite tells why a name cannot be written to, nil where it can.
func (s *server) mayWrite(name string) error {
	switch {
	case s.cfg.Own == "":
		return errNoFolder
	case !saved.MatchString(name):
		return errors.New("a name is up to 64 small letters, digits and hyphens, such as my-morning")
	case s.own(name):
		return nil
	}
	if _, err := fs.Stat(routines.Builtin(), name+".toml"); err == nil {
		return fmt.Errorf("%q is built in; save yours under another name", name)
	}
	return nil
}

// write replaces a file in the user's folder at once, and keeps what was there as FILE.bak. Nothing outside the folder
// can be reached, by whatever link.
func (s *server) write(file string, data []byte) error {
	if err := os.MkdirAll(s.cfg.Own, 0o755); err != nil {
		return fmt.Errorf("making the folder of routines: %w", err)
	}
	root, err := os.OpenRoot(s.cfg.Own)
	if err != nil {
		return fmt.Errorf("opening the folder of routines: %w", err)
	}
	defer root.Close()
	if before, err := root.ReadFile(file); err == nil {
		if err := replace(root, file+".bak", before); err != nil {
			return err
		}
	}
	return replace(root, file, data)
}

// replace writes a file beside another and moves it there, so that at any time, also after a power cut, one of them is
// whole.
func replace(root *os.Root, file string, data []byte) error {
	part := "." + file + "." + rand.Text()
	err := writeSynced(root, part, data)
	if err == nil {
		err = root.Rename(part, file)
	}
	if err != nil {
		_ = root.Remove(part) // it may not be there
		return fmt.Errorf("saving the routine: %w", err)
	}
	return nil
}

func writeSynced(root *os.Root, file string, data []byte) error {
	f, err := root.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}
