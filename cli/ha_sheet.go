package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// sheet is a file made for Home Assistant, and where it goes.
type sheet struct {
	Output string `short:"o" help:"The file to write; standard output by default." placeholder:"FILE"`
}

// put writes the file whole, with the folders that it lies in.
func (s sheet) put(p *process, text string) error {
	if s.Output == "" || s.Output == "-" {
		_, err := io.WriteString(p.stdout, text)
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.Output), 0o755); err != nil {
		return fmt.Errorf("writing %s: %w", s.Output, err)
	}
	if err := renameio.WriteFile(s.Output, []byte(text), 0o644); err != nil {
		return fmt.Errorf("writing %s: %w", s.Output, err)
	}
	fmt.Fprintf(p.stderr, "%s is written\n", s.Output)
	return nil
}
