package output

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"guided/audio"
	"guided/audio/audiotest"
)

func TestSnapcastGroupsAreLentForAPlay(t *testing.T) {
	audiotest.NoLeaks(t)
	server := startSnapserver(t)
	rooms := []string{"kitchen", "bath", "hall"}
	for _, room := range rooms {
		server.client(room)
		server.choose(room, "music")
	}
	base := "snapcast:tcp://" + server.source + "?buffer=0s&control=" + server.control
	begin := func(t *testing.T, query string) (audio.Output, *playing) {
		out := openOutput(t, base+query, 0)
		p := play(t, out, audiotest.NewNoise(60*audio.Rate))
		p.untilHeard(t, audio.Rate/50)
		return out, p
	}
	music := func(t *testing.T) {
		t.Helper()
		for _, room := range rooms {
			server.plays(room, "music")
		}
	}
	t.Run("those that are named, and no others", func(t *testing.T) {
		_, p := begin(t, "&groups=kitchen,BATH")
		server.plays("kitchen", "guided")
		server.plays("bath", "guided")
		server.plays("hall", "music")
		p.cancel()
		<-p.ended
		music(t)
	})
	t.Run("what somebody chose meanwhile stays", func(t *testing.T) {
		_, p := begin(t, "&groups=all")
		for _, room := range rooms {
			server.plays(room, "guided")
		}
		server.choose("hall", "fifo")
		p.cancel()
		<-p.ended
		server.plays("kitchen", "music")
		server.plays("hall", "fifo")
		server.choose("hall", "music")
	})
	t.Run("one that played our stream before goes on with it", func(t *testing.T) {
		server.choose("hall", "guided")
		_, p := begin(t, "&groups=all")
		p.cancel()
		<-p.ended
		server.plays("hall", "guided")
		server.plays("bath", "music")
		server.choose("hall", "music")
	})
	t.Run("given back after the server was away", func(t *testing.T) {
		out, p := begin(t, "&groups=kitchen")
		server.plays("kitchen", "guided")
		server.stop()
		<-p.ended
		if p.err == nil {
			t.Error("the server is gone, and that is no error")
		}
		server.start()
		server.plays("kitchen", "guided")
		p = play(t, out, audiotest.NewNoise(audio.Rate/10))
		<-p.ended
		if p.err != nil {
			t.Error(p.err)
		}
		music(t)
	})
}

// A wrong name, a control that does not answer: the routine is heard all the same.
func TestSnapcastGroupsThatCannotBeSwitched(t *testing.T) {
	audiotest.NoLeaks(t)
	server := startSnapserver(t)
	server.client("kitchen")
	server.choose("kitchen", "music")
	for name, tt := range map[string]struct{ query, want string }{
		"no such group":                 {"&groups=kitchn&control=" + server.control, "there are"},
		"no such stream":                {"&groups=all&stream=guide&control=" + server.control, `did you mean \"guided\"?`},
		"the control listens elsewhere": {"&groups=all&control=" + freeAddress(t), "set control=HOST:PORT"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			out, err := Open("snapcast:tcp://"+server.source+"?buffer=0s"+tt.query, 0, slog.New(slog.NewTextHandler(&log, nil)))
			if err != nil {
				t.Fatal(err)
			}
			p := play(t, out, audiotest.NewNoise(audio.Rate/10))
			<-p.ended
			if p.err != nil || p.heard() != audio.Rate/10 {
				t.Errorf("%d frames are heard: %v", p.heard(), p.err)
			}
			if !strings.Contains(log.String(), tt.want) || strings.Count(log.String(), "WARN") != 1 {
				t.Errorf("the log is %s, want %q in it", log.String(), tt.want)
			}
			server.plays("kitchen", "music")
		})
	}
}

// Whoever only looks whether the source is there leaves the rooms alone.
func TestSnapcastIsTriedWithoutSwitching(t *testing.T) {
	audiotest.NoLeaks(t)
	server := startSnapserver(t)
	server.client("kitchen")
	server.choose("kitchen", "music")
	spec := "snapcast:tcp://" + server.source + "?groups=all&control=" + server.control
	if err := Try(t.Context(), spec, audiotest.Logger(t)); err != nil {
		t.Error(err)
	}
	server.plays("kitchen", "music")
}
