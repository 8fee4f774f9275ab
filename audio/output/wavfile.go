package output

import (
	"context"
	"fmt"
	"os"

	"guided/audio"
)

// wavFile is the output "wav:FILE": paced like null, and what was heard is recorded. The first Play of the program
// truncates the file, later ones append to it, so that a session with pauses is one recording.
type wavFile struct {
	path     string
	recorded int // frames of the earlier Plays
}

func (w *wavFile) open(context.Context) (device, error) {
	flags := os.O_RDWR | os.O_CREATE
	if w.recorded == 0 {
		flags |= os.O_TRUNC
	}
	file, err := os.OpenFile(w.path, flags, 0o644)
	if err != nil {
		return nil, fmt.Errorf("keeping the sound: %w; choose a folder that can be written to", err)
	}
	if info, err := file.Stat(); err == nil { // the file may have been removed since the last Play
		held := (info.Size() - audio.WAVHeaderBytes) / audio.FrameBytes
		w.recorded = int(max(0, min(int64(w.recorded), held)))
	}
	return &wavDevice{recording: w, file: file, frames: w.recorded}, nil
}

// wavDevice writes the header whenever it writes sound, so that a program that is killed leaves a valid file.
type wavDevice struct {
	sleepyDevice
	recording *wavFile
	file      *os.File
	frames    int // in the file
}

func (d *wavDevice) write(ctx context.Context, sound []byte) error {
	if err := d.sleepyDevice.write(ctx, sound); err != nil {
		return err
	}
	frames := d.frames + len(sound)/audio.FrameBytes
	if int64(frames) > audio.MaxWAVFrames {
		return fmt.Errorf("%s is full after 6 hours of sound; restart guided to begin a new one", d.file.Name())
	}
	if _, err := d.file.WriteAt(sound, audio.WAVHeaderBytes+int64(d.frames)*audio.FrameBytes); err != nil {
		return fmt.Errorf("keeping the sound: %w", err)
	}
	d.frames = frames
	return d.writeHeader()
}

// rewind lets the next write replace the last frames of the file.
func (d *wavDevice) rewind(limit int) (int, error) {
	n, err := d.sleepyDevice.rewind(limit)
	d.frames -= n
	return n, err
}

func (d *wavDevice) writeHeader() error {
	if _, err := d.file.WriteAt(audio.WAVHeader(d.frames), 0); err != nil {
		return fmt.Errorf("keeping the sound: %w", err)
	}
	return nil
}

// close truncates the file to what was heard.
func (d *wavDevice) close(heard int) error {
	d.frames = min(d.frames, d.recording.recorded+heard)
	d.recording.recorded = d.frames
	err := d.writeHeader()
	if e := d.file.Truncate(audio.WAVHeaderBytes + int64(d.frames)*audio.FrameBytes); err == nil {
		err = e
	}
	if e := d.file.Close(); err == nil {
		err = e
	}
	return err
}
