package cli

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"guided/player"
)

// While nothing plays, the runtime would still collect garbage every two minutes, and give memory back in many small steps;
// both wake several threads. So a daemon that has become quiet gives everything back at once, and then collects only what
// pages and remotes have allocated, when that comes to idleHeadroom.
const (
	quietAfter   = 2 * time.Second // without news, and with less than quietBytes allocated
	quietBytes   = 1 << 20
	idleHeadroom = 24 << 20 // bytes above what is in use
)

// While a routine is prepared nothing is collected below startHeadroom: collections of the small heap of a daemon that was just
// started would take a fifth of the time to the first sound. After the first quietAfter, when not every millisecond counts any
// more, garbage is laterPercent of what is in use at most.
const (
	startHeadroom = 8 << 20 // bytes above what is in use
	laterPercent  = 50
)

// restCollector lets the garbage collector rest while the player is idle or paused, until ctx ends.
func restCollector(ctx context.Context, news player.Feed) {
	percent := debug.SetGCPercent(100)
	debug.SetGCPercent(percent)
	limit, resting := debug.SetMemoryLimit(-1), false
	wake := func() {
		resting = false
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}
	defer wake()
	quiet := time.NewTimer(quietAfter)
	defer quiet.Stop()
	before := goMemory()
	for {
		select {
		case state, open := <-news.States:
			if !open {
				return
			}
			quiet.Stop()
			if state.State == player.Preparing {
				if !resting {
					debug.SetMemoryLimit(min(limit, goMemory().held+startHeadroom))
					debug.SetGCPercent(-1)
				}
				continue
			}
			wake()
			if state.State == player.Idle || state.State == player.Paused {
				before = goMemory()
				quiet.Reset(quietAfter)
			}
		case <-quiet.C:
			percent = laterPercent
			now := goMemory()
			if now.allocated-before.allocated > quietBytes { // the library is being read, or a file encoded
				wake()
				before = now
				quiet.Reset(quietAfter)
				continue
			}
			debug.FreeOSMemory()
			debug.SetMemoryLimit(min(limit, goMemory().held+idleHeadroom))
			debug.SetGCPercent(-1)
			resting = true
		case <-ctx.Done():
			return
		}
	}
}

// memory is what the runtime has allocated since its start, and what it holds now as the memory limit counts it
// (runtime/debug.SetMemoryLimit), in bytes.
type memory struct{ allocated, held int64 }

func goMemory() memory {
	samples := []metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"}, {Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(samples)
	bytes := func(i int) int64 { return int64(samples[i].Value.Uint64()) }
	return memory{bytes(0), bytes(1) - bytes(2)}
}
