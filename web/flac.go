package web

import (
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"unicode/utf8"

	"guided/audio"
)

// The parts of a FLAC file (RFC 9639): STREAMINFO, a Vorbis comment, and frames of flacBlock samples a channel; the last one
// may be shorter.
const (
	flacBlock       = 4096
	flacInfoBytes   = 34 // the length of STREAMINFO
	flacTagsType    = 4  // the metadata block type of a Vorbis comment
	flacMaxTagBytes = 1 << 16
)

// flacWriter writes 16-bit stereo at 48 kHz as a FLAC file. Every subframe uses a fixed predictor: speech with silences
// comes to a third of its size, and a Raspberry Pi is fast enough for it.
type flacWriter struct {
	w                  io.Writer
	title              string
	frames             int       // of the whole file
	md5                hash.Hash // of the samples written
	frameCount         int       // FLAC frames written so far
	complete           bool      // md5, minFrame and maxFrame are those of the whole file
	minFrame, maxFrame int       // bytes of the smallest and the largest frame
	encoder            flacEncoder
}

// newFLACWriter writes a header with the length of the file, so that it can be played while it is written. What is not
// known before the end is left out of it, as the format allows, until finish.
func newFLACWriter(w io.Writer, title string, frames int) (*flacWriter, error) {
	f := &flacWriter{w: w, title: title, frames: frames, md5: md5.New(), encoder: flacEncoder{crc16: newCRC16Table()}}
	if _, err := w.Write(f.header()); err != nil {
		return nil, fmt.Errorf("beginning the FLAC file: %w", err)
	}
	return f, nil
}

// encode makes the next FLAC frame, of flacBlock frames of 16-bit stereo, little-endian; only the last one may be shorter.
// It is valid until the next call.
func (f *flacWriter) encode(bytes []byte) []byte {
	f.md5.Write(bytes)
	frame := f.encoder.encodeFrame(bytes, f.frameCount)
	f.frameCount++
	if f.minFrame == 0 || len(frame) < f.minFrame {
		f.minFrame = len(frame)
	}
	f.maxFrame = max(f.maxFrame, len(frame))
	return frame
}

// write adds a FLAC frame to the file.
func (f *flacWriter) write(frame []byte) error {
	if _, err := f.w.Write(frame); err != nil {
		return fmt.Errorf("writing the FLAC file: %w", err)
	}
	return nil
}

// finish writes the header again, where w can seek, now with the frame sizes and the MD5 sum. Nothing else changes.
func (f *flacWriter) finish() error {
	seeker, can := f.w.(io.Seeker)
	if !can {
		return nil
	}
	f.complete = true
	_, err := seeker.Seek(0, io.SeekStart)
	if err == nil {
		_, err = f.w.Write(f.header())
	}
	if err != nil {
		return fmt.Errorf("ending the FLAC file: %w", err)
	}
	return nil
}

// header returns everything before the frames. Its length is always the same.
func (f *flacWriter) header() []byte {
	const rate, channels, bits = 48_000, 2, 16
	b := append([]byte("fLaC"), 0, 0, 0, flacInfoBytes)
	b = binary.BigEndian.AppendUint16(b, flacBlock)
	b = binary.BigEndian.AppendUint16(b, flacBlock)
	minFrame, maxFrame, sum := 0, 0, make([]byte, md5.Size) // unknown
	if f.complete {
		minFrame, maxFrame, sum = f.minFrame, f.maxFrame, f.md5.Sum(nil)
	}
	b = append(b, byte(minFrame>>16), byte(minFrame>>8), byte(minFrame), byte(maxFrame>>16), byte(maxFrame>>8), byte(maxFrame))
	b = binary.BigEndian.AppendUint64(b, rate<<44|(channels-1)<<41|(bits-1)<<36|uint64(f.frames))
	b = append(b, sum...)
	tags := vorbisComment(f.title)
	b = append(b, 0x80|flacTagsType, byte(len(tags)>>16), byte(len(tags)>>8), byte(len(tags))) // 0x80: the last metadata block
	return append(b, tags...)
}

// vorbisComment returns the metadata block with the title: vendor, number of comments, comments (RFC 9639, 8.6).
func vorbisComment(title string) []byte {
	text := func(b []byte, s string) []byte {
		s = s[:min(len(s), flacMaxTagBytes)]
		return append(binary.LittleEndian.AppendUint32(b, uint32(len(s))), s...)
	}
	b := binary.LittleEndian.AppendUint32(text(nil, "guided"), 1)
	return text(b, "TITLE="+title)
}

// flacEncoder encodes frames. It reuses its buffers from one frame to the next.
type flacEncoder struct {
	out                    bitWriter
	crc16                  crc16Table
	left, right, mid, side []int32
	scratch                [5][]int32
}

// encodeFrame encodes a block of 16-bit stereo, as left and right or as mid and side (RFC 9639, 9). The result is valid
// until the next call.
func (c *flacEncoder) encodeFrame(bytes []byte, number int) []byte {
	c.splitChannels(bytes)
	n := len(c.left)
	a, b := c.choosePredictor(c.left), c.choosePredictor(c.right)
	m, s := c.choosePredictor(c.mid), c.choosePredictor(c.side)
	const leftRight, midSide = 1, 10
	kind := uint64(leftRight)
	if m.cost+s.cost < a.cost+b.cost {
		kind = midSide
	}
	o := &c.out
	*o = bitWriter{bytes: o.bytes[:0]}
	o.write(0xFFF8, 16)
	size := uint64(12) // 4096
	if n != flacBlock {
		size = 7 // 16 bits, after the frame number
	}
	o.write(size<<4|10, 8)   // 10: 48 kHz
	o.write(kind<<4|4<<1, 8) // 4: 16 bits
	o.writeFrameNumber(number)
	if n != flacBlock {
		o.write(uint64(n-1), 16)
	}
	o.write(uint64(crc8(o.bytes)), 8)
	if kind == midSide {
		c.writeSubframe(c.mid, m, 16)
		c.writeSubframe(c.side, s, 17)
	} else {
		c.writeSubframe(c.left, a, 16)
		c.writeSubframe(c.right, b, 16)
	}
	o.align()
	o.write(uint64(c.crc16.sum(o.bytes)), 16)
	return o.bytes
}

// splitChannels deinterleaves a block, and computes mid (the mean) and side (the difference).
func (c *flacEncoder) splitChannels(bytes []byte) {
	n := len(bytes) / audio.FrameBytes
	for _, list := range []*[]int32{&c.left, &c.right, &c.mid, &c.side, &c.scratch[0], &c.scratch[1], &c.scratch[2], &c.scratch[3], &c.scratch[4]} {
		if cap(*list) < n {
			*list = make([]int32, n)
		}
		*list = (*list)[:n]
	}
	for i := range n {
		l := int32(int16(binary.LittleEndian.Uint16(bytes[audio.FrameBytes*i:])))
		r := int32(int16(binary.LittleEndian.Uint16(bytes[audio.FrameBytes*i+2:])))
		c.left[i], c.right[i], c.mid[i], c.side[i] = l, r, (l+r)>>1, l-r
	}
}

// predictor is a fixed predictor of a subframe: its order from 0 to 4, and about how many bits the residual takes.
type predictor struct{ order, cost int }

// choosePredictor returns the predictor with the smallest residual.
func (c *flacEncoder) choosePredictor(x []int32) predictor {
	if len(x) <= 4 {
		return predictor{0, 16 * len(x)}
	}
	var sums [5]int64
	var d1, d2, d3 int32 // differences of order 1 to 3 at the previous sample
	before := x[3]
	d1 = x[3] - x[2]
	d2 = d1 - (x[2] - x[1])
	d3 = d2 - (x[2] - 2*x[1] + x[0])
	for _, v := range x[4:] {
		e1 := v - before
		e2 := e1 - d1
		e3 := e2 - d2
		e4 := e3 - d3
		sums[0] += int64(max(v, -v))
		sums[1] += int64(max(e1, -e1))
		sums[2] += int64(max(e2, -e2))
		sums[3] += int64(max(e3, -e3))
		sums[4] += int64(max(e4, -e4))
		before, d1, d2, d3 = v, e1, e2, e3
	}
	best := 0
	for order, sum := range sums {
		if sum < sums[best] {
			best = order
		}
	}
	_, cost := riceParameter(2*uint64(sums[best]), len(x)-4)
	return predictor{best, cost}
}

// writeSubframe writes one channel with samples of width bits (RFC 9639, 9.2.5).
func (c *flacEncoder) writeSubframe(x []int32, p predictor, width int) {
	o := &c.out
	o.write(uint64(8|p.order)<<1, 8)
	for _, v := range x[:p.order] {
		o.write(uint64(v)&(1<<width-1), width)
	}
	rest := c.residual(x, p.order)
	parts := 0 // partitions, as a power of two
	if len(x)%16 == 0 && len(x) >= 256 {
		parts = 4
	}
	o.write(uint64(parts), 6) // before it 2 zero bits: Rice parameters have 4 bits
	size := len(x) >> parts
	for from := 0; from < len(x); from += size {
		part := rest[max(0, from-p.order) : from+size-p.order]
		sum := uint64(0)
		for _, v := range part {
			sum += uint64(zigzag(v))
		}
		k, _ := riceParameter(sum, len(part))
		o.write(uint64(k), 4)
		for _, v := range part {
			o.writeRice(zigzag(v), k)
		}
	}
}

// residual returns the differences of an order: what the fixed predictor leaves.
func (c *flacEncoder) residual(x []int32, order int) []int32 {
	for o := range order {
		to := c.scratch[o]
		for i := 1; i < len(x); i++ {
			to[i-1] = x[i] - x[i-1]
		}
		x = to[:len(x)-1]
	}
	return x
}

// zigzag maps 0, -1, 1, -2 ... to 0, 1, 2, 3 ...
func zigzag(v int32) uint32 { return uint32(v<<1) ^ uint32(v>>31) }

// riceParameter returns the best Rice parameter for n numbers of that sum, and about how many bits they take.
func riceParameter(sum uint64, n int) (k, cost int) {
	k, cost = 0, int(sum)+n
	for try := 1; try <= 14; try++ {
		if c := int(sum>>try) + n*(try+1); c < cost {
			k, cost = try, c
		}
	}
	return k, cost
}

// bitWriter packs bits into bytes, the most significant first.
type bitWriter struct {
	bytes   []byte
	acc     uint64 // its lowest accBits bits are not in bytes yet
	accBits int    // fewer than 8 between calls
}

// write appends the lowest width bits of v, up to 32. The higher bits of v must be zero.
func (b *bitWriter) write(v uint64, width int) {
	b.acc = b.acc<<width | v
	for b.accBits += width; b.accBits >= 8; {
		b.accBits -= 8
		b.bytes = append(b.bytes, byte(b.acc>>b.accBits))
	}
}

// writeRice appends v with the Rice parameter k: v>>k zeros, a one, and the lowest k bits of v.
func (b *bitWriter) writeRice(v uint32, k int) {
	upper := int(v >> k)
	for ; upper > 24; upper -= 24 {
		b.write(0, 24)
	}
	b.write(1<<k|uint64(v)&(1<<k-1), upper+1+k)
}

// writeFrameNumber appends the number of a frame in UTF-8, extended to the surrogates, which UTF-8 leaves out.
func (b *bitWriter) writeFrameNumber(n int) {
	if n <= utf8.MaxRune && (n < 0xD800 || n > 0xDFFF) {
		for _, x := range utf8.AppendRune(nil, rune(n)) {
			b.write(uint64(x), 8)
		}
		return
	}
	b.write(uint64(0xE0|n>>12), 8)
	b.write(uint64(0x80|n>>6&0x3F), 8)
	b.write(uint64(0x80|n&0x3F), 8)
}

// align fills the last byte with zeros.
func (b *bitWriter) align() {
	if b.accBits > 0 {
		b.write(0, 8-b.accBits)
	}
}

// crc8 is the checksum of a frame header: polynomial x⁸+x²+x+1.
func crc8(b []byte) (crc uint8) {
	for _, x := range b {
		crc ^= x
		for range 8 {
			crc = crc<<1 ^ crc>>7*0x07
		}
	}
	return crc
}

// crc16Table is the byte table of the checksum over a whole frame: polynomial x¹⁶+x¹⁵+x²+1.
type crc16Table [256]uint16

func newCRC16Table() (t crc16Table) {
	for i := range t {
		crc := uint16(i) << 8
		for range 8 {
			crc = crc<<1 ^ crc>>15*0x8005
		}
		t[i] = crc
	}
	return t
}

func (t *crc16Table) sum(b []byte) (crc uint16) {
	for _, x := range b {
		crc = crc<<8 ^ t[byte(crc>>8)^x]
	}
	return crc
}
