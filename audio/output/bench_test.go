package output

import (
	"context"
	"testing"
	"time"

	"github.com/gopxl/beep/v2"

	"guided/audio"
)

// hungryDevice has room for half a second at any time, and what is written to it is heard at once.
type hungryDevice struct{}

func (hungryDevice) wait(ctx context.Context, _ time.Duration, _ <-chan struct{}) (int, bool, error) {
	return refill, false, ctx.Err()
}

func (hungryDevice) write(context.Context, []byte) error { return nil }
func (hungryDevice) delay() (int, error)                 { return 0, nil }
func (hungryDevice) close(int) error                     { return nil }

// A minute of sound through the pump: what it costs beside the renderer and the device.
func BenchmarkPump(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		pulled := 0
		src := beep.StreamerFunc(func(s [][2]float64) (int, bool) {
			n := min(len(s), 60*audio.Rate-pulled)
			pulled += n
			return n, n > 0
		})
		p := &pump{dev: hungryDevice{}, src: src, onHeard: farAhead}
		if err := p.playFrom(b.Context(), time.Now().Add(-time.Hour)); err != nil {
			b.Fatal(err)
		}
	}
}
