package schedule

import "sync"

// Values are the last values of topics. A remote sets them, and forgets them all when it can hear no more of them.
type Values struct {
	changed chan struct{} // has a value after a change

	mu  sync.Mutex
	all map[string]string
}

// NewValues has no value: all are unknown.
func NewValues() *Values {
	return &Values{changed: make(chan struct{}, 1), all: map[string]string{}}
}

// Set takes the value of a topic; an empty one means that the topic was cleared.
func (v *Values) Set(topic, value string) {
	v.mu.Lock()
	before, known := v.all[topic]
	if value == "" {
		delete(v.all, topic)
	} else {
		v.all[topic] = value
	}
	v.mu.Unlock()
	if known != (value != "") || before != value {
		v.signal()
	}
}

// Forget makes all values unknown.
func (v *Values) Forget() {
	v.mu.Lock()
	clear(v.all)
	v.mu.Unlock()
}

func (v *Values) value(topic string) (value string, known bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	value, known = v.all[topic]
	return value, known
}

func (v *Values) signal() {
	select {
	case v.changed <- struct{}{}:
	default: // it has one already
	}
}
