package cli

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// debounce is how long the folder must stay unchanged before it is read again: editors write a file in several steps.
const debounce = 300 * time.Millisecond

// watchRoutines calls changed after a change in the user's folder of routines, until ctx ends. While the folder does not
// exist, its parent is watched for it.
func watchRoutines(ctx context.Context, dir string, changed func(), log *slog.Logger) {
	if dir == "" {
		return
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		log.Warn("the folder of routines cannot be watched; restart guided after a change", "dir", dir, "err", err)
		return
	}
	defer w.Close()
	watch := func(dir string) {
		if err := w.Add(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			log.Warn("a folder cannot be watched; restart guided after a change", "dir", dir, "err", err)
		}
	}
	watch(dir)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		watch(filepath.Dir(dir))
	}
	timer := time.NewTimer(debounce)
	timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-w.Events:
			if filepath.Clean(e.Name) == filepath.Clean(dir) {
				watch(dir)
				timer.Reset(debounce)
			}
			if filepath.Dir(filepath.Clean(e.Name)) == filepath.Clean(dir) {
				timer.Reset(debounce)
			}
		case err := <-w.Errors:
			log.Warn("watching the folder of routines", "dir", dir, "err", err)
		case <-timer.C:
			changed()
		}
	}
}
