package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"unicode/utf8"
)

// maxSettings is the largest settings file that is read, in bytes. The commented one has 5,000; more is another file.
const maxSettings = 1 << 20

// ReadFile reads a whole file of up to limit bytes. It does not wait: a folder, a FIFO and a device are refused, but for
// /dev/null, which is empty.
func ReadFile(name string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // opening a FIFO would wait for its writer
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if null, err := os.Stat(os.DevNull); err == nil && os.SameFile(info, null) {
		return nil, nil
	}
	switch {
	case info.IsDir():
		return nil, fmt.Errorf("%s is a folder; name a file", name)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no regular file; write its text to a file, and name that", name)
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s has more than %d kB; is it another kind of file?", name, limit>>10)
	}
	return data, nil
}

// readSettings reads a settings file as UTF-8 without a byte order mark.
func readSettings(name string) ([]byte, error) {
	data, err := ReadFile(name, maxSettings)
	if err == nil {
		data, err = plainText(data)
		if err != nil {
			err = fmt.Errorf("%s %w", name, err)
		}
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("reading the settings: %w; where they hold a password, move it to a file of its own (password_file), then let everybody read them: sudo chmod a+r %s", err, name)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the settings: %w", err)
	}
	return data, nil
}

// plainText takes away the byte order mark that some editors write, and refuses other encodings than UTF-8.
func plainText(data []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")), bytes.IndexByte(data, 0) >= 0:
		return nil, errors.New("is UTF-16, or no text; save it as UTF-8")
	case !utf8.Valid(data):
		line := 1
		for rest := data; len(rest) > 0; {
			r, size := utf8.DecodeRune(rest)
			if r == utf8.RuneError && size == 1 {
				break
			}
			if r == '\n' {
				line++
			}
			rest = rest[size:]
		}
		return nil, fmt.Errorf("is not UTF-8 from line %d on; save it as UTF-8", line)
	}
	return bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), nil
}
