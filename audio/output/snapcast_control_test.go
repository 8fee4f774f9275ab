package output

import (
	"strings"
	"testing"

	"guided/audio"
	"guided/audio/audiotest"
)

func TestSnapcastGroupsAreSwitchedForAPlay(t *testing.T) {
	audiotest.NoLeaks(t)
	server := startSnapserver(t)
	rooms := []string{"kitchen", "bath", "hall"}
	for _, room := range rooms {
		server.client(room)
		server.setStream(room, "music")
	}
	base := "snapcast:tcp://" + server.source + "?buffer=0s&control=" + server.control
	begin := func(t *testing.T, query string) (audio.Output, *playback) {
		out := openOutput(t, base+query, 0)
		p := play(t, out, audiotest.NewNoise(60*audio.Rate))
		p.waitHeard(t, audio.Rate/50)
		return out, p
	}
	music := func(t *testing.T) {
		t.Helper()
		for _, room := range rooms {
			server.waitPlays(room, "music")
		}
	}
	t.Run("only the named groups", func(t *testing.T) {
		_, p := begin(t, "&groups=kitchen,BATH")
		server.waitPlays("kitchen", "guided")
		server.waitPlays("bath", "guided")
		server.waitPlays("hall", "music")
		p.cancel()
		<-p.ended
		music(t)
	})
	t.Run("a group that the user switched meanwhile stays", func(t *testing.T) {
		_, p := begin(t, "&groups=all")
		for _, room := range rooms {
			server.waitPlays(room, "guided")
		}
		server.setStream("hall", "fifo")
		p.cancel()
		<-p.ended
		server.waitPlays("kitchen", "music")
		server.waitPlays("hall", "fifo")
		server.setStream("hall", "music")
	})
	t.Run("a group that played our stream before stays", func(t *testing.T) {
		server.setStream("hall", "guided")
		_, p := begin(t, "&groups=all")
		p.cancel()
		<-p.ended
		server.waitPlays("hall", "guided")
		server.waitPlays("bath", "music")
		server.setStream("hall", "music")
	})
	t.Run("restored after the server was away", func(t *testing.T) {
		out, p := begin(t, "&groups=kitchen")
		server.waitPlays("kitchen", "guided")
		server.stop()
		<-p.ended
		if p.err == nil {
			t.Error("the server is gone, and that is no error")
		}
		server.start()
		server.waitPlays("kitchen", "guided")
		p = play(t, out, audiotest.NewNoise(audio.Rate/10))
		<-p.ended
		if p.err != nil {
			t.Error(p.err)
		}
		music(t)
	})
}

// Play goes on when groups cannot be switched.
func TestSnapcastGroupsCannotBeSwitched(t *testing.T) {
	audiotest.NoLeaks(t)
	server := startSnapserver(t)
	server.client("kitchen")
	server.setStream("kitchen", "music")
	for name, tt := range map[string]struct{ query, want string }{
		"no such group":                 {"&groups=kitchn&control=" + server.control, "there are"},
		"no such stream":                {"&groups=all&stream=guide&control=" + server.control, `did you mean \"guided\"?`},
		"the control listens elsewhere": {"&groups=all&control=" + freeAddress(t), "set control=HOST:PORT"},
	} {
		t.Run(name, func(t *testing.T) {
			out := openOutput(t, "snapcast:tcp://"+server.source+"?buffer=0s"+tt.query, 0)
			p := play(t, out, audiotest.NewNoise(audio.Rate/10))
			<-p.ended
			if p.err != nil || p.heard() != audio.Rate/10 {
				t.Errorf("%d frames are heard: %v", p.heard(), p.err)
			}
			log := out.log.String()
			warnings := strings.Count(log, "WARN") - strings.Count(log, "the sound was interrupted")
			if !strings.Contains(log, tt.want) || warnings != 1 {
				t.Errorf("the log is %s, want %q in it", log, tt.want)
			}
			server.waitPlays("kitchen", "music")
		})
	}
}

func TestTryDoesNotSwitchSnapcastGroups(t *testing.T) {
	audiotest.NoLeaks(t)
	server := startSnapserver(t)
	server.client("kitchen")
	server.setStream("kitchen", "music")
	spec := "snapcast:tcp://" + server.source + "?groups=all&control=" + server.control
	if err := Probe(t.Context(), spec, audiotest.Logger(t)); err != nil {
		t.Error(err)
	}
	server.waitPlays("kitchen", "music")
}
