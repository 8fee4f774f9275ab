package web

import (
	"encoding/binary"
	"unicode/utf8"
)

// flacCoder codes frames; what it returns is good until the next one.
type flacCoder struct {
	out                    bits
	crc                    crcTable
	left, right, mid, side []int32
	scratch                [5][]int32
}

// frame codes a block of 16-bit stereo.
func (c *flacCoder) frame(bytes []byte, number int) []byte {
	c.split(bytes)
	n := len(c.left)
	a, b := c.plan(c.left), c.plan(c.right)
	m, s := c.plan(c.mid), c.plan(c.side)
	const leftRight, midSide = 1, 10
	kind := uint64(leftRight)
	if m.cost+s.cost < a.cost+b.cost {
		kind = midSide
	}
	o := &c.out
	*o = bits{bytes: o.bytes[:0]}
	o.put(0xFFF8, 16)
	size := uint64(12) // 4096
	if n != flacBlock {
		size = 7 // told after the number
	}
	o.put(size<<4|10, 8)   // at 48 kHz
	o.put(kind<<4|4<<1, 8) // of 16 bits
	o.number(number)
	if n != flacBlock {
		o.put(uint64(n-1), 16)
	}
	o.put(uint64(crc8(o.bytes)), 8)
	if kind == midSide {
		c.channel(c.mid, m, 16)
		c.channel(c.side, s, 17)
	} else {
		c.channel(c.left, a, 16)
		c.channel(c.right, b, 16)
	}
	o.align()
	o.put(uint64(c.crc.sum(o.bytes)), 16)
	return o.bytes
}

// split takes the channels apart, and makes their mean and their difference.
func (c *flacCoder) split(bytes []byte) {
	n := len(bytes) / frameBytes
	for _, list := range []*[]int32{&c.left, &c.right, &c.mid, &c.side, &c.scratch[0], &c.scratch[1], &c.scratch[2], &c.scratch[3], &c.scratch[4]} {
		if cap(*list) < n {
			*list = make([]int32, n)
		}
		*list = (*list)[:n]
	}
	for i := range n {
		l := int32(int16(binary.LittleEndian.Uint16(bytes[frameBytes*i:])))
		r := int32(int16(binary.LittleEndian.Uint16(bytes[frameBytes*i+2:])))
		c.left[i], c.right[i], c.mid[i], c.side[i] = l, r, (l+r)>>1, l-r
	}
}

// plan is how a channel is coded: the order of its predictor, and about how many bits that takes.
type plan struct{ order, cost int }

// plan chooses the predictor that leaves the least.
func (c *flacCoder) plan(x []int32) plan {
	if len(x) <= 4 {
		return plan{0, 16 * len(x)}
	}
	var sums [5]int64
	var d1, d2, d3 int32 // the differences before
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
	_, cost := rice(2*uint64(sums[best]), len(x)-4)
	return plan{best, cost}
}

// channel writes one channel.
func (c *flacCoder) channel(x []int32, p plan, width int) {
	o := &c.out
	o.put(uint64(8|p.order)<<1, 8)
	for _, v := range x[:p.order] {
		o.put(uint64(v)&(1<<width-1), width)
	}
	rest := c.residual(x, p.order)
	parts := 0 // as a power of two
	if len(x)%16 == 0 && len(x) >= 256 {
		parts = 4
	}
	o.put(uint64(parts), 6) // 2 bits: Rice parameters of 4 bits
	size := len(x) >> parts
	for from := 0; from < len(x); from += size {
		part := rest[max(0, from-p.order) : from+size-p.order]
		sum := uint64(0)
		for _, v := range part {
			sum += uint64(zigzag(v))
		}
		k, _ := rice(sum, len(part))
		o.put(uint64(k), 4)
		for _, v := range part {
			o.rice(zigzag(v), k)
		}
	}
}

// residual is what a fixed predictor leaves.
func (c *flacCoder) residual(x []int32, order int) []int32 {
	for o := range order {
		to := c.scratch[o]
		for i := 1; i < len(x); i++ {
			to[i-1] = x[i] - x[i-1]
		}
		x = to[:len(x)-1]
	}
	return x
}

// zigzag puts the negative numbers between the others.
func zigzag(v int32) uint32 { return uint32(v<<1) ^ uint32(v>>31) }

// rice is the best parameter for n numbers with a sum, and about how many bits they take.
func rice(sum uint64, n int) (k, cost int) {
	k, cost = 0, int(sum)+n
	for try := 1; try <= 14; try++ {
		if c := int(sum>>try) + n*(try+1); c < cost {
			k, cost = try, c
		}
	}
	return k, cost
}

// number writes the number of a frame, as UTF-8 writes a letter.
func (b *bits) number(n int) {
	if n <= utf8.MaxRune && (n < 0xD800 || n > 0xDFFF) {
		for _, x := range utf8.AppendRune(nil, rune(n)) {
			b.put(uint64(x), 8)
		}
		return
	}
	b.put(uint64(0xE0|n>>12), 8) // of the three bytes that letters leave out
	b.put(uint64(0x80|n>>6&0x3F), 8)
	b.put(uint64(0x80|n&0x3F), 8)
}
