package audio

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"guided/audio/audiotest"
)

// id3v2 returns a tag of n bytes behind its header.
func id3v2(n int) []byte {
	return append([]byte{'I', 'D', '3', 4, 0, 0, byte(n >> 21 & 127), byte(n >> 14 & 127), byte(n >> 7 & 127), byte(n & 127)}, make([]byte, n)...)
}

func id3v1() []byte { return append([]byte("TAG"), bytes.Repeat([]byte("x"), 125)...) }

// A file from which every announced sample can be decoded is played in full, whatever stands around them.
func TestDecodePlaysInFullWhatSurroundsTheSound(t *testing.T) {
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	flac, opusClip := fixtures[1].read(t), fixtures[3].read(t)
	first := flacFrameOffset(flac, 0)
	unknown := bytes.Clone(flac) // its header does not know the total
	unknown[21] &= 0xF0
	copy(unknown[22:26], []byte{0, 0, 0, 0})
	wrongMD5 := bytes.Clone(flac)
	copy(wrongMD5[26:42], bytes.Repeat([]byte{0x55}, 16))
	samples := []byte{0, 0x40, 0, 0x20, 0, 0x10}
	wav := func(data, riff uint32, before string, after string) []byte {
		b := audiotest.NewWAVHeader(1, 1, 16, 8000, 2, data, []byte(before)).File(join(samples, []byte(after)))
		binary.LittleEndian.PutUint32(b[4:], riff)
		return b
	}
	rf64 := wav(0xFFFFFFFF, 0xFFFFFFFF, "", "LIST\x04\x00\x00\x00INFO")
	rf64 = join([]byte("RF64\xFF\xFF\xFF\xFFWAVEds64\x1C\x00\x00\x00"), make([]byte, 8), []byte{6, 0, 0, 0, 0, 0, 0, 0}, make([]byte, 12), rf64[12:])
	surround := join([]byte("RIFF\x00\x00\x00\x00WAVEfmt \x28\x00\x00\x00\xFE\xFF\x06\x00\x40\x1F\x00\x00\x00\x77\x01\x00\x0C\x00\x10\x00\x16\x00\x10\x00\x3F\x00\x00\x00\x01\x00"),
		[]byte("\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71data\x0C\x00\x00\x00"), make([]byte, 12))
	second := bytes.Clone(opusClip) // another stream: each page has another serial number, and its checksum
	for at := 0; at < len(second); {
		size := 27 + int(second[at+26])
		for _, n := range second[at+27 : at+size] {
			size += int(n)
		}
		page := second[at : at+size]
		page[14] ^= 0x5A
		setOggChecksum(page)
		at += size
	}
	for name, c := range map[string]struct {
		data []byte
		n    int
	}{
		"FLAC behind an ID3v2 tag":              {join(id3v2(5000), flac), 9001},
		"FLAC behind two tags and zeros":        {join(id3v2(10), id3v2(200), make([]byte, 99), flac), 9001},
		"FLAC before an ID3v1 tag":              {join(flac, id3v1()), 9001},
		"FLAC before an APE tag":                {join(flac, []byte("APETAGEX"), make([]byte, 300)), 9001},
		"FLAC before zeros":                     {join(flac, make([]byte, 4096)), 9001},
		"FLAC before what looks like frames":    {join(flac, bytes.Repeat([]byte{0xFF, 0xF8}, 50)), 9001},
		"FLAC before a part of a frame":         {join(flac, flac[first:first+40]), 9001},
		"FLAC with garbage before its frames":   {join(flac[:first], bytes.Repeat([]byte("\xFF\xF8 \xFF"), 30), flac[first:]), 9001},
		"FLAC of unknown length":                {unknown, 9001},
		"FLAC of unknown length before a tag":   {join(unknown, id3v1()), 9001},
		"FLAC with a wrong MD5":                 {wrongMD5, 9001},
		"WAV behind an ID3v2 tag":               {join(id3v2(77), wav(6, 42, "", "")), 3},
		"WAV with a wrong size of the whole":    {wav(6, 7, "", ""), 3},
		"WAV with a wrong size of its sound":    {wav(9999, 42, "", ""), 3},
		"WAV with an odd chunk, padded":         {wav(6, 56, "LIST\x05\x00\x00\x00INFO!\x00", ""), 3},
		"WAV with an odd chunk, not padded":     {wav(6, 55, "LIST\x05\x00\x00\x00INFO!", ""), 3},
		"WAV with an odd chunk, oddly padded":   {wav(6, 56, "LIST\x05\x00\x00\x00INFO!x", ""), 3},
		"WAV with a large chunk":                {wav(6, 6042, "JUNK\x70\x17\x00\x00"+strings.Repeat("\x00", 6000), ""), 3},
		"WAV before a chunk":                    {wav(6, 54, "", "LIST\x04\x00\x00\x00INFO"), 3},
		"WAV of 64 bits":                        {rf64, 3},
		"WAV of six channels":                   {surround, 1},
		"Opus behind an ID3v2 tag":              {join(id3v2(5), opusClip), 29628},
		"Opus before an ID3v1 tag":              {join(opusClip, id3v1()), 29628},
		"Opus, two streams one after the other": {join(opusClip, second), 2 * 29628},
	} {
		t.Run(name, func(t *testing.T) {
			got, _, err := Decode(c.data)
			if err != nil || len(got) != c.n {
				t.Errorf("%d samples, want %d: %v", len(got), c.n, err)
			}
		})
	}
}

// What cannot be played is named, with the way to convert it.
func TestDecodeNamesOtherKinds(t *testing.T) {
	for want, head := range map[string]string{
		"MP3": "\xFF\xFB\x90\x00xxxxxxxxxx", "M4A": "\x00\x00\x00\x20ftypM4A ", "AIFF": "FORM\x00\x00\x00\x00AIFF", "AAC": "\xFF\xF1\x50\x80xxxxxxxx",
		"WMA": "\x30\x26\xB2\x75\x8E\x66\xCF\x11xxxx", "Matroska or WebM": "\x1A\x45\xDF\xA3xxxxxxxx", "big-endian WAV": "RIFX\x00\x00\x00\x00WAVE",
	} {
		_, _, err := Decode([]byte(head))
		if err == nil || !strings.Contains(err.Error(), "the file is "+want) || !strings.Contains(err.Error(), "ffmpeg -i FILE.") {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, _, err := Decode(append(id3v2(20), "\xFF\xFB\x90\x00xxxxxxxxxx"...)); err == nil || !strings.Contains(err.Error(), "is MP3") {
		t.Errorf("a tagged MP3: %v", err)
	}
}

// Another stream in an Ogg file is named too.
func TestDecodeNamesOtherOggStreams(t *testing.T) {
	page := func(kind byte, body string) []byte {
		b := append([]byte{'O', 'g', 'g', 'S', 0, kind}, make([]byte, 20)...)
		b = append(append(b, 1, byte(len(body))), body...)
		setOggChecksum(b)
		return b
	}
	for want, head := range map[string]string{"Ogg Vorbis": "\x01vorbis\x00\x00", "Ogg FLAC": "\x7FFLAC\x01\x00", "Ogg Speex": "Speex   1.2"} {
		_, _, err := Decode(append(page(2, head), page(0, "the rest")...))
		if err == nil || !strings.Contains(err.Error(), "the file is "+want) || !strings.Contains(err.Error(), "FILE.ogg") {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// setOggChecksum puts the right checksum into a page.
func setOggChecksum(page []byte) {
	clear(page[22:26])
	crc, r := uint32(0), newOggReader(nil)
	for _, x := range page {
		crc = crc<<8 ^ r.table[byte(crc>>24)^x]
	}
	binary.LittleEndian.PutUint32(page[22:], crc)
}

func TestResamplerGivesTheSameInAnyBlocks(t *testing.T) {
	for _, rate := range []int{8000, 22050, 44100, 96000} {
		in := audiotest.WhiteNoise(rate/2+17, 0.5)
		want := Resample(in, rate)
		for _, size := range []int{1, 7, 500, len(in)} {
			r, got := NewResampler(rate), []float64(nil)
			keep := func(samples []float64) error {
				got = append(got, samples...)
				return nil
			}
			for at := 0; at < len(in); at += size {
				if err := r.Add(in[at:min(len(in), at+size)], keep); err != nil {
					t.Fatal(err)
				}
			}
			if err := r.Finish(keep); err != nil {
				t.Fatal(err)
			}
			if len(got) != len(want) {
				t.Fatalf("%d at a time: %d samples, want %d", size, len(got), len(want))
			}
			for i := range got {
				if got[i] != want[i] {
					t.Fatalf("%d Hz, %d at a time: sample %d is %v, want %v", rate, size, i, got[i], want[i])
				}
			}
			if len(r.in) > 4*size+8*r.half {
				t.Errorf("%d at a time: %d samples are kept", size, len(r.in))
			}
		}
	}
}

func TestClipQuantizerGivesTheSameInAnyBlocks(t *testing.T) {
	for _, n := range []int{0, 1, 2, 287, 288, 289, 5000} {
		in := audiotest.WhiteNoise(n, 0.9)
		want := QuantizeClip(audiotest.Scaled(in, 1))
		for _, size := range []int{1, 100, 5000} {
			q := NewClipQuantizer(0)
			for at := 0; at < n; at += size {
				q.Add(in[at:min(n, at+size)])
			}
			got := q.Clip()
			if len(got) != len(want) {
				t.Fatalf("%d samples, want %d", len(got), len(want))
			}
			for i := range got {
				if got[i] != want[i] {
					t.Fatalf("%d of %d: sample %d is %d, want %d", size, n, i, got[i], want[i])
				}
			}
		}
	}
}
