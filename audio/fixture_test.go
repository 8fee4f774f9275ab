package audio

import (
	"bytes"
	"encoding/binary"
	"flag"
	"math"
	"os"
	"testing"

	"guided/audio/audiotest"
)

var update = flag.Bool("update", false, "write the files of testdata anew")

// fixture is a sound file in testdata, encoded from a synthetic signal by a program; -update encodes it again.
type fixture struct {
	file     string
	rate     int
	channels int
	bits     int
	n        int // samples of each channel
	encode   []string
}

var fixtures = []fixture{
	{"mono8.flac", 16000, 1, 8, 4001, []string{"flac", "--silent", "--no-padding", "--stdout", "-"}},
	{"stereo16.flac", 44100, 2, 16, 9001, []string{"flac", "--silent", "--no-padding", "--stdout", "-"}},
	{"mono24.flac", 48000, 1, 24, 6001, []string{"flac", "--silent", "--no-padding", "--stdout", "-"}},
	{"mono.opus", 24000, 1, 16, 29628, []string{"opusenc", "--quiet", "--serial", "1", "--speech", "--bitrate", "32", "-", "-"}},
	{"stereo.opus", 48000, 2, 16, 26666, []string{"opusenc", "--quiet", "--serial", "1", "--bitrate", "64", "-", "-"}},
	{"dtx.opus", 24000, 1, 16, 30000, []string{"opusenc", "--quiet", "--serial", "1", "--speech", "--bitrate", "24", "--set-ctl-int", "4016=1", "-", "-"}},
	{"silence.flac", 48000, 1, 16, MaxFileSeconds*Rate + 1, []string{"flac", "--silent", "--no-padding", "--stdout", "--lax", "--blocksize", "65535", "-"}},
}

// channel returns the samples of a channel as integers of the fixture's bits.
func (f fixture) channel(c int) []int32 {
	list := make([]int32, f.n)
	if f.file == "silence.flac" {
		return list
	}
	full := float64(int64(1) << (f.bits - 1))
	for i := range list {
		x := float64(i) / float64(f.rate)
		hz := 200*float64(c+1) + 900*x
		level := 0.7 * audiotest.SmoothRise(x, 0.02, 0.05) * (1 - audiotest.SmoothRise(x, 0.4, 0.6))
		list[i] = int32(math.Round(full * level * math.Sin(2*math.Pi*hz*x)))
	}
	return list
}

// wav returns the fixture as an uncompressed file.
func (f fixture) wav() []byte {
	var channels [][]int32
	for c := range f.channels {
		channels = append(channels, f.channel(c))
	}
	var data []byte
	for i := range f.n {
		for _, c := range channels {
			v := uint32(c[i])
			if f.bits == 8 {
				v += 128
			}
			data = append(data, binary.LittleEndian.AppendUint32(nil, v)[:f.bits/8]...)
		}
	}
	h := audiotest.MonoHeader(f.rate, len(data))
	h.Channels, h.Bits, h.Frame = uint16(f.channels), uint16(f.bits), uint16(f.channels*f.bits/8)
	return h.File(data)
}

// mono returns the samples that Decode should give.
func (f fixture) mono() []float64 {
	list := make([]float64, f.n)
	for c := range f.channels {
		for i, v := range f.channel(c) {
			list[i] += float64(v) / float64(int64(f.channels)<<(f.bits-1))
		}
	}
	return list
}

// read returns the encoded file.
func (f fixture) read(t testing.TB) []byte {
	if *update {
		data, _ := audiotest.RunProgram(t, f.wav(), f.encode[0], f.encode[1:]...)
		if err := os.WriteFile("testdata/"+f.file, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return audiotest.ReadFile(t, "testdata/"+f.file)
}

// hostileFiles are files that Decode must refuse, with a part of the error for each.
func hostileFiles(t testing.TB) map[string]struct {
	data []byte
	want string
} {
	mono, opusClip, stereo := fixtures[2].read(t), fixtures[3].read(t), fixtures[4].read(t)
	silence := fixtures[6].read(t)
	second := make([]byte, 2*8000)
	unknown := bytes.Clone(silence)
	unknown[21] &= 0xF0 // the total: 36 bits, here made unknown
	copy(unknown[22:26], []byte{0, 0, 0, 0})
	comment := append(bytes.Clone(mono[:4+4+34]), "\x84\x00\x07\xd0\x00\x00\x00\x00\xff\xff\xff\x7f"...)
	comment[4] &= 0x7F // more blocks follow
	with := func(data []byte, at int, b ...byte) []byte {
		data = bytes.Clone(data)
		copy(data[at:], b)
		return data
	}
	page := 27 + int(opusClip[26]) // the first segment of the first page
	type c = struct {
		data []byte
		want string
	}
	return map[string]c{
		"empty":                    {nil, "empty"},
		"text":                     {[]byte("The Count of Monte Cristo"), "neither WAV"},
		"MP3":                      {[]byte("ID3\x03\x00\x00\x00\x00\x0f\x76TSSE"), "ffmpeg -i"},
		"too large":                {make([]byte, MaxFileBytes+1), "128 MiB"},
		"RIFF alone":               {[]byte("RIFF"), "not a WAV"},
		"RIFF of another kind":     {[]byte("RIFF\x04\x00\x00\x00AVI LIST"), "not a WAV"},
		"WAV without chunks":       {[]byte("RIFF\x04\x00\x00\x00WAVE"), "no sound"},
		"WAV header alone":         {audiotest.MonoHeader(8000, 0).File(nil), "no sound"},
		"WAV cut short":            {audiotest.MonoHeader(8000, 2*len(second)).File(second), "cut short: it says 32000 bytes of sound and has 16000"},
		"WAV data before format":   {[]byte("RIFF\x04\x00\x00\x00WAVEdata\x02\x00\x00\x00ab"), "no format"},
		"WAV format cut short":     {[]byte("RIFF\x04\x00\x00\x00WAVEfmt \x02\x00\x00\x00\x01\x00data\x02\x00\x00\x00ab"), "cut short"},
		"negative chunk size":      {with(audiotest.MonoHeader(8000, 2).File(second), 16, 0xFF, 0xFF, 0xFF, 0xFF), "no sound"},
		"a list of 1 GiB":          {audiotest.NewWAVHeader(1, 1, 16, 8000, 2, 2, []byte("LIST\x00\x00\x00\x40INFO")).File(second), "no sound"},
		"rate 0":                   {audiotest.MonoHeader(0, len(second)).File(second), "rate of 0"},
		"rate 2 GHz":               {audiotest.MonoHeader(0x7FFFFFFF, len(second)).File(second), "rate of"},
		"a rate with no ratio":     {audiotest.MonoHeader(47999, len(second)).File(second), "store the file at 48000"},
		"0 channels":               {audiotest.NewWAVHeader(1, 0, 16, 8000, 2, 4, nil).File(second), "0 channels"},
		"65535 channels":           {audiotest.NewWAVHeader(1, 65535, 16, 8000, 2, 4, nil).File(second), "65535 channels"},
		"0 bits":                   {audiotest.NewWAVHeader(1, 1, 0, 8000, 2, 4, nil).File(second), "0 bits"},
		"compressed WAV":           {audiotest.NewWAVHeader(85, 1, 16, 8000, 2, 4, nil).File(second), "kind 85"},
		"WAV too long":             {audiotest.MonoHeader(4000, 0).File(make([]byte, 2*4000*MaxFileSeconds+2)), "longer than 5 minutes"},
		"FLAC signature alone":     {[]byte("fLaC"), "not a FLAC"},
		"FLAC cut in its header":   {mono[:30], "not a FLAC"},
		"FLAC cut in a frame":      {mono[:len(mono)-100], "cut short"},
		"FLAC cut between frames":  {mono[:flacFrameOffset(mono, 1)], "cut short"},
		"FLAC with a flipped bit":  {with(mono, len(mono)-200, ^mono[len(mono)-200]), "damaged"},
		"FLAC rate 0":              {with(mono, 18, 0, 0, mono[20]&0x0F), "sample rate (0)"},
		"FLAC too long":            {silence, "longer than 5 minutes"},
		"FLAC longer than it says": {unknown, "longer than 5 minutes"},
		"FLAC of 2^31 comments":    {append(comment, make([]byte, 2000)...), ""},
		"Ogg signature alone":      {[]byte("OggS"), "cut short"},
		"Ogg of another kind":      {with(opusClip, page, 'V', 'o', 'r', 'b'), "not an Ogg Opus"},
		"Ogg with a flipped bit":   {with(opusClip, 300, ^opusClip[300]), "checksum"},
		"Ogg cut in a page":        {opusClip[:len(opusClip)-1], "cut short"},
		"Ogg cut in a page header": {opusClip[:page-1], "cut short"},
		"Ogg headers alone":        {opusClip[:oggPageOffset(opusClip, 2)], "no sound"},
		"Ogg chain, damaged":       {append(bytes.Clone(opusClip), with(stereo, 14, 9)...), "checksum"},
	}
}

// oggPageOffset returns where page n begins; the first is 0.
func oggPageOffset(data []byte, n int) int {
	at := 0
	for ; n > 0; n-- {
		at += bytes.Index(data[at+1:], []byte("OggS")) + 1
	}
	return at
}

// flacFrameOffset returns where frame n begins, by its sync code; the first is 0.
func flacFrameOffset(data []byte, n int) int {
	at := 42
	for ; n >= 0; n-- {
		at += bytes.Index(data[at+1:], []byte{0xFF, 0xF8}) + 1
	}
	return at
}
