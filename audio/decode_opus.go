package audio

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/pion/opus"
)

// opusRate is the rate at which Opus files are decoded: the recordings of the voices are coded at 24 kHz and hold nothing
// above 12 kHz. Granules count samples at 48 kHz.
const (
	opusRate     = 24_000
	opusGranules = 48_000 / opusRate
)

// maxOpusPacket is the longest packet in bytes: 48 frames of 1275 bytes and their lengths (RFC 6716, section 3.2). More is
// no sound.
const maxOpusPacket = 64 << 10

// opusDecoder decodes an Ogg Opus file (RFC 7845): one stream, or several one after another. Streams beside it are left
// out. The pre-skip is dropped, and the end is cut at the granule position of the last page.
type opusDecoder struct {
	pages  oggReader
	stream *opusStream // nil before the first
	left   opusPage    // of the page that was read last
	block  []float64
	packet [opusRate * 120 / 1000]float32
}

// opusStream is one stream of a file.
type opusStream struct {
	serial  uint32
	decoder opus.Decoder
	gain    float64
	skip    int    // samples that are still to be dropped
	headers int    // packets of headers so far: there are two
	partial []byte // a packet that continues on the next page
	samples int64  // decoded so far, with the pre-skip
	start   int64  // granule position of the first sample
	begun   bool   // a page with sound was read
	ended   bool
}

// opusPage is what is left of a page. It is valid until the next one is read.
type opusPage struct {
	segments, body []byte
	before         int64 // samples of the stream before the page
	granule        int64 // of its end
	tells          bool  // it has one
	last           bool
}

func (d *Decoder) openOpus(file *io.SectionReader) error {
	o, err := newOpusDecoder(io.NewSectionReader(file, 0, file.Size()))
	if err != nil {
		return err
	}
	d.Rate, d.next = opusRate, o.next
	d.frames = func() int { return opusFrames(file) }
	return nil
}

// opusFrames returns how many samples a file has by the granule positions of its first and its last page with sound, 0 where
// they do not tell, as in a file of several streams. Streams with the same serial number are not told apart, which RFC 3533
// forbids; only decoding does that.
func opusFrames(file *io.SectionReader) int {
	first, err := newOpusDecoder(io.NewSectionReader(file, 0, file.Size()))
	if err != nil {
		return 0
	}
	head := first.stream
	skip := head.skip
	for !head.begun {
		if _, err := first.next(); err != nil || first.stream != head {
			return 0
		}
	}
	const longestPage = 27 + 255 + 255*255
	tail := make([]byte, min(2*longestPage, file.Size()))
	n, _ := file.ReadAt(tail, file.Size()-int64(len(tail))) // source keeps the error
	tail = tail[:n]
	for at := bytes.LastIndex(tail, []byte("OggS")); at >= 0; at = bytes.LastIndex(tail[:at], []byte("OggS")) {
		pages := newOggReader(bytes.NewReader(tail[at:]))
		page, err := pages.next()
		if err != nil {
			continue // the letters are part of the sound, or what another program put behind it
		}
		if page.serial != head.serial || page.granule == noGranule || page.granule > 1<<40 {
			return 0
		}
		samples := (int64(page.granule)-head.start)/opusGranules - int64(skip)
		return int(max(0, min(samples, math.MaxInt32)))
	}
	return 0
}

// newOpusDecoder reads the heads of a file.
func newOpusDecoder(file io.Reader) (*opusDecoder, error) {
	o := &opusDecoder{pages: newOggReader(file)}
	kind := ""
	for o.stream == nil {
		page, err := o.pages.next()
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, fmt.Errorf("not an Ogg Opus file: %w", err)
		}
		if !page.begins {
			return nil, errNotPlayed(kind)
		}
		switch {
		case bytes.HasPrefix(page.body, []byte("OpusHead")):
			if o.stream, err = newOpusStream(page); err != nil {
				return nil, err
			}
		case bytes.HasPrefix(page.body, []byte("\x01vorbis")):
			kind = "Ogg Vorbis"
		case bytes.HasPrefix(page.body, []byte("\x7FFLAC")):
			kind = "Ogg FLAC"
		case bytes.HasPrefix(page.body, []byte("Speex")):
			kind = "Ogg Speex"
		}
	}
	return o, nil
}

// newOpusStream reads the head of a stream (RFC 7845, section 5.1).
func newOpusStream(page *oggPage) (*opusStream, error) {
	head := page.body
	if len(head) < 19 {
		return nil, errors.New("not an Ogg Opus file: its head is cut short")
	}
	channels, family := int(head[9]), head[18]
	streams := 1
	if family != 0 && len(head) > 19 {
		streams = int(head[19])
	}
	if channels < 1 || channels > 2 || streams != 1 {
		return nil, fmt.Errorf("an Opus file with %d channels cannot be read; store it as mono or stereo, such as: ffmpeg -i FILE -ac 2 FILE.flac", channels)
	}
	decoder, err := opus.NewDecoderWithOutput(opusRate, 1)
	if err != nil {
		return nil, err
	}
	return &opusStream{
		serial: page.serial, decoder: decoder, headers: 1,
		gain: GainFromDB(float64(int16(binary.LittleEndian.Uint16(head[16:]))) / 256),
		skip: int(binary.LittleEndian.Uint16(head[10:])) / opusGranules,
	}, nil
}

// opusBlock is how many samples are decoded at a time, where a page has them: so much of a phrase is soon there, though
// a page holds a second as a rule.
const opusBlock = opusRate / 10

// next decodes some packets of a page, and reads the next page where none is left.
func (o *opusDecoder) next() ([]float64, error) {
	if len(o.left.segments) == 0 {
		return nil, o.nextPage()
	}
	s := o.stream
	o.block = slices.Grow(o.block[:0], opusBlock+len(o.packet))
	if err := s.decodePackets(o); err != nil {
		return nil, err
	}
	page := &o.left
	if len(page.segments) == 0 && page.tells && s.samples > page.before && !s.begun {
		s.begun = true
		if !page.last { // it was cut out of a longer one
			s.start = page.granule - s.samples*opusGranules
		}
	}
	drop := min(s.skip, len(o.block))
	s.skip -= drop
	return o.block[drop:], nil
}

// nextPage reads the next page, whose packets next decodes.
func (o *opusDecoder) nextPage() error {
	page, err := o.pages.next()
	if err != nil {
		if err == errNoPage && o.stream.ended { // what another program put behind the sound
			err = io.EOF
		}
		if err != io.EOF {
			err = fmt.Errorf("the Opus file is damaged or cut short: %w", err)
		}
		return err
	}
	s := o.stream
	switch {
	case page.begins && (s.begun || s.ended) && bytes.HasPrefix(page.body, []byte("OpusHead")):
		o.stream, err = newOpusStream(page)
		return err
	case page.serial != s.serial || page.begins || s.ended:
		return nil
	}
	if s.ended = page.ends; !page.continues {
		s.partial = s.partial[:0] // its end is lost
	}
	o.left = opusPage{
		segments: page.segments, body: page.body, before: s.samples, last: page.ends || o.pages.atEnd(),
		granule: int64(page.granule), tells: page.granule != noGranule,
	}
	return nil
}

// decodePackets decodes packets that end on the page into o.block: opusBlock samples, or what is left.
func (s *opusStream) decodePackets(o *opusDecoder) error {
	page := &o.left
	for len(page.segments) > 0 && len(o.block) < opusBlock {
		n := page.segments[0]
		if s.headers >= 2 && len(s.partial)+int(n) > maxOpusPacket {
			return errors.New("the Opus file is damaged: a packet is too long")
		}
		if s.headers >= 2 { // the tags are not kept: they may hold a picture
			s.partial = append(s.partial, page.body[:n]...)
		}
		page.segments, page.body = page.segments[1:], page.body[n:]
		if n == 255 {
			continue
		}
		if s.headers < 2 {
			s.headers++
			continue
		}
		made, err := s.decoder.DecodeToFloat32(s.partial, o.packet[:])
		if err != nil {
			return fmt.Errorf("the Opus file is damaged: %w", err)
		}
		s.partial = s.partial[:0]
		kept := made
		if page.last && page.tells { // the sound ends in the page
			end := max(0, (page.granule-s.start)/opusGranules)
			kept = int(max(0, min(int64(made), end-s.samples)))
		}
		for _, x := range o.packet[:kept] {
			o.block = append(o.block, clampFinite(s.gain*float64(x)))
		}
		s.samples += int64(made)
	}
	return nil
}

// noGranule is the granule position of a page on which no packet ends.
const noGranule = 1<<64 - 1

// oggPage is a page of an Ogg file (RFC 3533, section 6).
type oggPage struct {
	continues, begins, ends bool
	granule                 uint64
	serial                  uint32
	segments                []byte // the lengths of the segments
	body                    []byte
}

// oggReader reads pages. Its memory is that of one.
type oggReader struct {
	in    *bufio.Reader
	table [256]uint32
	page  oggPage
	data  []byte
}

func newOggReader(file io.Reader) oggReader {
	r := oggReader{in: bufio.NewReaderSize(file, decoderBuffer)}
	for i := range r.table {
		crc := uint32(i) << 24
		for range 8 {
			crc = crc<<1 ^ 0x04c11db7*(crc>>31)
		}
		r.table[i] = crc
	}
	return r
}

// atEnd reports whether no page follows.
func (r *oggReader) atEnd() bool {
	_, err := r.in.Peek(1)
	return err != nil
}

// errNoPage is the error where something else than a page follows.
var errNoPage = errors.New("the Ogg file is damaged")

// next returns the next page, valid until the next call; io.EOF at the end.
func (r *oggReader) next() (*oggPage, error) {
	const header, checksum, count = 27, 22, 26 // offsets
	read := func(n int) error {
		at := len(r.data)
		r.data = append(r.data, make([]byte, n)...)
		_, err := io.ReadFull(r.in, r.data[at:])
		if at > 0 && err == io.EOF || err == io.ErrUnexpectedEOF {
			return errors.New("the Ogg file is cut short")
		}
		return err
	}
	r.data = r.data[:0]
	if magic, _ := r.in.Peek(4); len(magic) > 0 && !bytes.HasPrefix([]byte("OggS"), magic) {
		return nil, errNoPage
	}
	if err := read(header); err != nil {
		return nil, err
	}
	if err := read(int(r.data[count])); err != nil {
		return nil, err
	}
	size := 0
	for _, n := range r.data[header:] {
		size += int(n)
	}
	if err := read(size); err != nil {
		return nil, err
	}
	b := r.data
	want := binary.LittleEndian.Uint32(b[checksum:])
	clear(b[checksum : checksum+4])
	crc := uint32(0)
	for _, x := range b {
		crc = crc<<8 ^ r.table[byte(crc>>24)^x]
	}
	if crc != want {
		return nil, errors.New("the Ogg file is damaged: the checksum of a page is wrong")
	}
	body := header + int(b[count])
	r.page = oggPage{
		continues: b[5]&1 != 0, begins: b[5]&2 != 0, ends: b[5]&4 != 0,
		granule: binary.LittleEndian.Uint64(b[6:]), serial: binary.LittleEndian.Uint32(b[14:]),
		segments: b[header:body], body: b[body:],
	}
	return &r.page, nil
}
