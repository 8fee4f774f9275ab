package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"guided/routines"
)

// validName matches the names under which a routine can be saved.
var validName = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

// versionOf names a text by its content. An editor sends the version of the text that it was opened with, so that it
// replaces nothing that its user has not seen.
func versionOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// saveRoutine writes a routine without problems into the user's folder. It replaces another text only where the request
// names its version, in "version" or If-Match, or says "replace"; else it answers 409, or 412 to an If-Match. A request
// whose client leaves is carried out whole or not at all.
func (h *handlers) saveRoutine(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	var in sourceRequest
	if !readJSON(w, r, &in) {
		return
	}
	if err := h.checkWritable(name); err != nil {
		writeJSON(w, http.StatusBadRequest, errorResponse{Error: err.Error()})
		return
	}
	if _, _, problems := h.compileSource(r.Context(), name, in.TOML); r.Context().Err() != nil {
		return
	} else if len(problems) > 0 {
		writeJSON(w, http.StatusBadRequest, errorResponse{Error: "the routine has problems and was not saved", Problems: problems})
		return
	}
	if !h.beginSaving(r.Context()) {
		return
	}
	defer h.endSaving()
	file, before, err := h.readSaved(name)
	if err != nil {
		h.writeFolderError(w, name, err)
		return
	}
	if status, why := saveConflict(name, file, before, in, r.Header); status != 0 {
		writeJSON(w, status, errorResponse{Error: why, Hint: `send the "version" that you have edited, or "replace": true`})
		return
	}
	if file == name+".toml" && before != nil && string(before) == in.TOML { // sent twice: the backup stays the text before
		writeJSON(w, http.StatusOK, map[string]string{"saved": name, "version": versionOf(before)})
		return
	}
	if err := h.writeRoutine(name+".toml", []byte(in.TOML)); err != nil {
		h.writeFolderError(w, name, err)
		return
	}
	h.Player.Rescan()
	writeJSON(w, http.StatusOK, map[string]string{"saved": name, "version": versionOf([]byte(in.TOML))})
}

// saveConflict returns the status and the sentence with which a save is refused; 0 where it may replace what is there: the
// text before, in file, or nothing where file is "".
func saveConflict(name, file string, before []byte, in sourceRequest, header http.Header) (status int, why string) {
	status = http.StatusConflict
	version := in.Version
	if match := header.Get("If-Match"); match != "" {
		status, version = http.StatusPreconditionFailed, strings.Trim(strings.TrimPrefix(match, "W/"), `"`)
	}
	current := versionOf(before)
	switch {
	case file != "" && file != name+".toml":
		return http.StatusConflict, fmt.Sprintf("you have a routine in the file %s; names that differ in capital letters only are the same: save it under another name", file)
	case file != "" && header.Get("If-None-Match") == "*" && string(before) != in.TOML:
		return http.StatusPreconditionFailed, fmt.Sprintf("there is a routine named %q already", name)
	case in.Replace, version == "*" && file != "", file != "" && before != nil && string(before) == in.TOML:
		return 0, ""
	case file == "" && version == "":
		return 0, ""
	case file == "":
		return status, fmt.Sprintf("%q is not there any more: it was removed since you opened it", name)
	case version == "":
		return status, fmt.Sprintf("there is a routine named %q already; save yours under another name, or replace it", name)
	case version != current || before == nil:
		return status, fmt.Sprintf("%q was changed elsewhere since you opened it; open it again to see the change, or replace it", name)
	}
	return 0, ""
}

// readSaved returns the file of the user's folder that has a name, in any case, and its text; "" where there is none, and
// a nil text where it is no file of the folder, such as a link out of it.
func (h *handlers) readSaved(name string) (file string, text []byte, err error) {
	entries, err := os.ReadDir(h.RoutinesDir)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	for _, e := range entries {
		if strings.EqualFold(e.Name(), name+".toml") && (file == "" || e.Name() == name+".toml") {
			file = e.Name()
		}
	}
	if file == "" {
		return "", nil, nil
	}
	root, err := os.OpenRoot(h.RoutinesDir)
	if err != nil {
		return "", nil, err
	}
	defer root.Close()
	if text, err = readRegular(root, file); err != nil {
		text = nil
	}
	return file, text, nil
}

// nameNotes tells, before a routine is saved, whom its title or its name may be mistaken for.
func (h *handlers) nameNotes(name, title string) []problem {
	var notes []problem
	for _, other := range h.Player.Info().Routines {
		switch {
		case strings.EqualFold(other.Name, name):
			if !h.isUserRoutine(other.Name) {
				notes = append(notes, problem{What: fmt.Sprintf("%q is the name of a built-in routine: save yours under another name", other.Name)})
			}
		case strings.EqualFold(strings.TrimSpace(other.Title), strings.TrimSpace(title)):
			kind := "built-in routine"
			if h.isUserRoutine(other.Name) {
				kind = "routine"
			}
			notes = append(notes, problem{What: fmt.Sprintf("the %s %q has the title %q too: who asks for that title may get the other one", kind, other.Name, other.Title)})
		}
	}
	return notes
}

// removeRoutine renames one of the user's routines to NAME.toml.bak.
func (h *handlers) removeRoutine(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if !validName.MatchString(name) || !h.isUserRoutine(name) {
		writeJSON(w, http.StatusNotFound, errorResponse{Error: fmt.Sprintf("%q is none of your own routines", truncate(name))})
		return
	}
	if !h.beginSaving(r.Context()) {
		return
	}
	defer h.endSaving()
	root, err := os.OpenRoot(h.RoutinesDir)
	if err == nil {
		defer root.Close()
		err = root.Rename(name+".toml", name+".toml.bak")
	}
	if err != nil {
		h.writeFolderError(w, name, err)
		return
	}
	h.Player.Rescan()
	writeJSON(w, http.StatusOK, map[string]string{"removed": name})
}

// beginSaving waits until no other request saves or removes, so that what a save compares is what it replaces.
func (h *handlers) beginSaving(ctx context.Context) bool {
	select {
	case h.saving <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (h *handlers) endSaving() { <-h.saving }

// writeFolderError answers that the user's folder cannot be used. Its path stays in the log.
func (h *handlers) writeFolderError(w http.ResponseWriter, name string, err error) {
	h.Log.Error("a routine cannot be saved or removed", "routine", name, "err", err)
	status, why := http.StatusInternalServerError, "the folder of your routines cannot be written to; the log of guided tells more"
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		status, why = http.StatusInsufficientStorage, "there is no room on the disk; nothing was changed"
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		why = "guided may not write to the folder of your routines; nothing was changed"
	case errors.Is(err, fs.ErrNotExist):
		status, why = http.StatusNotFound, fmt.Sprintf("%q is not there any more", truncate(name))
	}
	writeJSON(w, status, errorResponse{Error: why})
}

var errNoRoutinesDir = errors.New("there is no folder for routines of your own; set routines.dir")

// isUserRoutine reports whether a routine is in the user's folder.
func (h *handlers) isUserRoutine(name string) bool {
	if h.RoutinesDir == "" {
		return false
	}
	info, err := fs.Stat(os.DirFS(h.RoutinesDir), name+".toml")
	return err == nil && info.Mode().IsRegular()
}

// checkWritable returns an error where nothing can be saved under a name.
func (h *handlers) checkWritable(name string) error {
	switch {
	case h.RoutinesDir == "":
		return errNoRoutinesDir
	case !validName.MatchString(name):
		return errors.New("a name is up to 64 small letters, digits and hyphens, such as my-morning")
	case h.isUserRoutine(name):
		return nil
	}
	if _, err := fs.Stat(routines.Builtin(), name+".toml"); err == nil {
		return fmt.Errorf("%q is built in; save yours under another name", name)
	}
	return nil
}

// writeRoutine replaces a file of the user's folder atomically, and keeps the previous one as FILE.bak. No link leads
// out of the folder.
func (h *handlers) writeRoutine(file string, data []byte) error {
	if err := os.MkdirAll(h.RoutinesDir, 0o755); err != nil {
		return fmt.Errorf("making the folder of routines: %w", err)
	}
	root, err := os.OpenRoot(h.RoutinesDir)
	if err != nil {
		return fmt.Errorf("opening the folder of routines: %w", err)
	}
	defer root.Close()
	before, err := readRegular(root, file)
	switch {
	case errors.Is(err, routines.ErrNotAFile):
		return fmt.Errorf("%s %w; move it out of the folder of routines", file, err)
	case err == nil:
		if err := replaceFile(root, file+".bak", before); err != nil {
			return err
		}
	}
	return replaceFile(root, file, data)
}

// readRegular reads a routine's file; routines.ErrNotAFile for a pipe or a device, which could block for ever.
func readRegular(root *os.Root, file string) ([]byte, error) {
	info, err := root.Stat(file)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, routines.ErrNotAFile
	}
	return root.ReadFile(file)
}

// replaceFile writes a temporary file and renames it, so that the old file or the new one is whole at any time, also
// after a power cut.
func replaceFile(root *os.Root, file string, data []byte) error {
	temporary := "." + file + "." + rand.Text()
	err := writeSynced(root, temporary, data)
	if err == nil {
		err = root.Rename(temporary, file)
	}
	if err != nil {
		_ = root.Remove(temporary) // it may not exist
		return fmt.Errorf("saving the routine: %w", err)
	}
	return nil
}

func writeSynced(root *os.Root, file string, data []byte) error {
	f, err := root.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o664) // the umask of the packaged service leaves it to the users of the machine
	if err != nil {
		return err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) // see isAbandoned
	if err == nil {
		_, err = f.Write(data)
	}
	return errors.Join(err, f.Sync(), f.Close())
}

// unfinishedSave matches the temporary names of replaceFile.
var unfinishedSave = regexp.MustCompile(`^\.[a-z0-9-]{1,64}\.toml(\.bak)?\.[A-Z2-7]{26}$`)

// removeUnfinishedSaves removes the temporary files that a killed process left in the user's folder, but not those of a
// living one.
func removeUnfinishedSaves(dir string, log *slog.Logger) {
	entries, err := os.ReadDir(dir)
	if dir == "" || err != nil {
		return // the player reports a folder that cannot be read
	}
	for _, e := range entries {
		if file := filepath.Join(dir, e.Name()); e.Type().IsRegular() && unfinishedSave.MatchString(e.Name()) && isAbandoned(file) {
			if err := os.Remove(file); err != nil {
				log.Warn("an unfinished file cannot be removed", "err", err)
			}
		}
	}
}
