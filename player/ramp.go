package player

// ramp is a factor on the sound that goes to its target in even steps.
type ramp struct{ value, target, slope float64 }

// to goes to a target within so many frames.
func (r *ramp) to(target float64, frames int) {
	r.target = target
	r.slope = (target - r.value) / float64(frames)
}

// at is at a value at once.
func (r *ramp) at(value float64) { *r = ramp{value: value, target: value} }

// next is the factor of the next frame.
func (r *ramp) next() float64 {
	if r.value != r.target {
		if r.value += r.slope; (r.slope > 0) == (r.value > r.target) {
			r.value = r.target
		}
	}
	return r.value
}
