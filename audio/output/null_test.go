package output

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gopxl/beep/v2"

	"guided/audio"
	"guided/audio/audiotest"
)

// An hour takes an hour, although the source is late now and then.
func TestNullKeepsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src, blocks := audiotest.NewNoise(3600*audio.Rate), 0
		busy := beep.StreamerFunc(func(s [][2]float64) (int, bool) {
			if blocks++; blocks%1000 == 500 {
				time.Sleep(time.Duration(blocks%7) * 50 * time.Millisecond)
			}
			src.At += len(s)
			return len(s), src.At <= src.Frames
		})
		began := time.Now()
		if err := openOutput(t, "null", 0).Play(t.Context(), busy, farAhead); err != nil {
			t.Fatal(err)
		}
		if off := time.Since(began) - time.Hour; off < 0 || off > 50*time.Millisecond {
			t.Errorf("an hour was %v too long", off)
		}
	})
}

// After the machine was suspended, what was missed is not played faster.
func TestNullDoesNotCatchUpAfterASuspend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src, suspended := audiotest.NewNoise(20*audio.Rate), false
		began := time.Now()
		err := openOutput(t, "null", 0).Play(t.Context(), src, eachBlock(func(n int) {
			if n > audio.Rate && !suspended {
				suspended = true
				time.Sleep(time.Minute)
			}
		}))
		if took := time.Since(began) - time.Minute; err != nil || took < 19*time.Second || took > 21*time.Second {
			t.Errorf("20 s took %v and the suspend: %v", took, err)
		}
	})
}

func TestNullCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		began := time.Now()
		heard := 0
		err := openOutput(t, "null", 0).Play(ctx, audiotest.NewNoise(60*audio.Rate), eachBlock(func(n int) { heard = n }))
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took > 1510*time.Millisecond {
			t.Errorf("after %v: %v", took, err)
		}
		if heard < audio.Rate*7/5 || heard > audio.Rate*3/2 {
			t.Errorf("%d frames are heard after 1.5 s", heard)
		}
	})
}
