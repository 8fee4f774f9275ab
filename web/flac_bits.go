package web

// bits are written into bytes, the highest first.
type bits struct {
	bytes []byte
	held  uint64 // the lowest n bits are not in bytes yet
	n     int    // fewer than 8 between calls
}

// put writes the lowest width bits of v, up to 32; the others are zero.
func (b *bits) put(v uint64, width int) {
	b.held = b.held<<width | v
	for b.n += width; b.n >= 8; {
		b.n -= 8
		b.bytes = append(b.bytes, byte(b.held>>b.n))
	}
}

// rice writes v with a Rice parameter: zeros for its upper part, a one, and its lowest k bits.
func (b *bits) rice(v uint32, k int) {
	upper := int(v >> k)
	for ; upper > 24; upper -= 24 {
		b.put(0, 24)
	}
	b.put(1<<k|uint64(v)&(1<<k-1), upper+1+k)
}

// align fills the last byte.
func (b *bits) align() {
	if b.n > 0 {
		b.put(0, 8-b.n)
	}
}

// crc8 is over the header of a frame: x⁸+x²+x+1.
func crc8(b []byte) (crc uint8) {
	for _, x := range b {
		crc ^= x
		for range 8 {
			crc = crc<<1 ^ crc>>7*0x07
		}
	}
	return crc
}

// crcTable is what a byte that leaves the sum over a whole frame puts into it: x¹⁶+x¹⁵+x²+1.
type crcTable [256]uint16

func newCRCTable() (t crcTable) {
	for i := range t {
		crc := uint16(i) << 8
		for range 8 {
			crc = crc<<1 ^ crc>>15*0x8005
		}
		t[i] = crc
	}
	return t
}

func (t *crcTable) sum(b []byte) (crc uint16) {
	for _, x := range b {
		crc = crc<<8 ^ t[byte(crc>>8)^x]
	}
	return crc
}
