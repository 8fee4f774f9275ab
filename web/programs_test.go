package web_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"guided/routines"
)

// decodeWithFFmpeg returns the samples that ffmpeg decodes from a URL, from second `from` on.
func decodeWithFFmpeg(t *testing.T, url string, from float64) string {
	t.Helper()
	var complaint bytes.Buffer
	cmd := exec.Command("ffmpeg", "-v", "error", "-nostdin", "-ss", fmt.Sprint(from), "-i", url, "-f", "s16le", "-")
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil || complaint.Len() > 0 {
		t.Fatalf("%v: %s", err, complaint.String())
	}
	return string(out)
}

// finishFLAC waits until the FLAC file at a path is encoded and kept.
func (p *testServer) finishFLAC(path string) {
	p.t.Helper()
	p.waitFor("the file is kept", func() bool { return p.get(path).header.Get("Content-Length") != "" })
}

func TestFFmpegDecodesAudioFiles(t *testing.T) {
	requireProgram(t, "ffmpeg")
	p := newTestServer(t)
	base := p.audioPath()
	for query, o := range map[string]routines.Options{"": {}, "?bed=waves": {Bed: "waves"}} {
		whole := p.renderWAV("short", o)[44:]
		for _, ending := range []string{".wav", ".flac"} {
			t.Run(ending+query, func(t *testing.T) {
				p.finishFLAC(base + "short.flac" + query)
				if d := difference(decodeWithFFmpeg(t, p.url+base+"short"+ending+query, 0), whole); d != "" {
					t.Errorf("the whole: %s", d)
				}
				if d := difference(decodeWithFFmpeg(t, p.url+base+"short"+ending+query, 5), whole[5*48000*4:]); d != "" {
					t.Errorf("from 5 s on: %s", d)
				}
			})
		}
	}
}

func TestFLACTitleAndDuration(t *testing.T) {
	requireProgram(t, "ffprobe")
	p := newTestServer(t)
	out, err := exec.Command("ffprobe", "-v", "error", "-show_entries", "format_tags=TITLE:format=duration", "-of", "csv=p=0", p.url+p.audioPath()+"short.flac").CombinedOutput()
	want := float64(len(p.renderWAV("short", routines.Options{}))-44) / 4 / 48000
	if err != nil || strings.TrimSpace(string(out)) != fmt.Sprintf("%f,A short one", want) {
		t.Errorf("%v: %s, want %f", err, out, want)
	}
}

func TestFLACToolAcceptsFile(t *testing.T) {
	requireProgram(t, "flac")
	p := newTestServer(t)
	p.finishFLAC(p.audioPath() + "short.flac")
	cmd := exec.Command("flac", "--test", "--silent", "--warnings-as-errors", "-")
	cmd.Stdin = strings.NewReader(p.get(p.audioPath() + "short.flac").body)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func TestMPVSeeksInAudioFiles(t *testing.T) {
	requireProgram(t, "mpv")
	p := newTestServer(t)
	whole := p.renderWAV("short", routines.Options{})[44:]
	p.finishFLAC(p.audioPath() + "short.flac")
	for _, ending := range []string{".wav", ".flac"} {
		file := t.TempDir() + "/out.raw"
		cmd := exec.Command("mpv", "--no-config", "--no-terminal", "--no-video", "--start=5", "--ao=pcm", "--ao-pcm-waveheader=no", "--ao-pcm-file="+file, "--audio-format=s16", "--gapless-audio=no", p.url+p.audioPath()+"short"+ending)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if got := readFile(t, file); !strings.HasSuffix(whole, got) || len(got) < len(whole)-5*48000*4-4800*4 {
			t.Errorf("%s: %d bytes, want the last %d", ending, len(got), len(whole)-5*48000*4)
		}
	}
}

// A program that gets the file while it is encoded has the same samples: flac decodes without a way back.
func TestFLACToolDecodesWhatIsSentFirst(t *testing.T) {
	requireProgram(t, "flac")
	p := newTestServer(t)
	path := p.audioPath() + "yoga.flac?for=10m"
	cmd := exec.Command("flac", "--decode", "--stdout", "--silent", "--force-raw-format", "--endian=little", "--sign=signed", "-")
	cmd.Stdin = strings.NewReader(p.get(path).body)
	out, err := cmd.Output()
	if d := difference(string(out), p.get(strings.Replace(path, ".flac", ".wav", 1)).body[44:]); err != nil || d != "" {
		t.Errorf("%v: %s", err, d)
	}
}
