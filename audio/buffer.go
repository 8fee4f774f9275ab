package audio

// Block is how many frames are rendered at a time: 10 ms, so that a source is never locked for long.
const Block = Rate / 100

// Depth is how many frames an output buffers between what it pulled and what is heard: 100 ms. That is enough for a
// busy Raspberry Pi, and a pause is still heard within 150 ms without taking anything back.
const Depth = Rate / 10

// RewindDepth is how many frames an output buffers at most that can take back what is not heard yet: 2 s. The machine may be
// busy for a second without a gap, the device is filled once or twice a second, and a pause is still heard at once.
const RewindDepth = Rate * 2
