package output

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jfreymuth/pulse/proto"
)

// The mixer of the sound server belongs to the user: guided never changes it, and sets nothing but the volume of its own
// stream when it is made. What keeps the sound from being heard there is told once.

// mixerInterval is how often volumes are read at most, while somebody turns them.
const mixerInterval = time.Second

// mixerReport is what was logged last about an output, over all its Plays.
type mixerReport struct{ told string }

// tell logs why nothing is heard, unless that was the last thing logged; empty means that it is heard.
func (r *mixerReport) tell(log *slog.Logger, sink, why string) {
	if why == r.told {
		return
	}
	r.told = why
	if why == "" {
		log.Info("the sound can be heard again", "output", "pulse:"+sink)
		return
	}
	log.Warn("the sound plays, but it cannot be heard", "output", "pulse:"+sink, "why", why)
}

// watchMixer subscribes to changes of volumes, and reads them.
func (d *pulseDevice) watchMixer() error {
	request := &proto.Subscribe{Mask: proto.SubscriptionMaskSink | proto.SubscriptionMaskSinkInput}
	if err := d.conn.request(request, nil); err != nil && d.conn.failure() != nil {
		return err
	}
	d.mu.Lock()
	d.mixerChanged = true
	d.mu.Unlock()
	return d.checkMixer()
}

// checkMixer reads the volumes after they have changed, and reports what makes the sound inaudible. A server that does not
// tell them is no error; one that has gone is.
func (d *pulseDevice) checkMixer() error {
	d.mu.Lock()
	changed := d.mixerChanged && time.Since(d.mixerRead) >= mixerInterval
	if changed {
		d.mixerChanged = false
	}
	silencedFor := d.silencedFor
	d.mu.Unlock()
	if !changed {
		return nil
	}
	d.mixerRead = time.Now()
	var input proto.GetSinkInputInfoReply
	err := d.conn.request(&proto.GetSinkInputInfo{SinkInputIndex: d.input}, &input)
	var sink proto.GetSinkInfoReply
	if err == nil {
		err = d.conn.request(&proto.GetSinkInfo{SinkIndex: input.SinkIndex}, &sink)
	}
	if refused := proto.Error(0); errors.As(err, &refused) && d.conn.failure() == nil {
		return nil
	}
	if err != nil {
		return err
	}
	d.mixer.tell(d.log, sink.SinkName, whyInaudible(sink, input, silencedFor))
	return nil
}

// whyInaudible says what in the mixer silences a stream and what to do, and is empty when nothing does.
func whyInaudible(sink proto.GetSinkInfoReply, input proto.GetSinkInputInfoReply, silencedFor bool) string {
	switch {
	case sink.SinkName == "auto_null":
		return "the sound server has found no speaker, and plays to auto_null, which is none; plug one in, or see the log of the sound server"
	case sink.Mute:
		return fmt.Sprintf("the sink %s is muted; unmute it with: pactl set-sink-mute %[1]s 0", sink.SinkName)
	case isZero(sink.ChannelVolumes):
		return fmt.Sprintf("the sink %s is turned down to 0; turn it up with: pactl set-sink-volume %[1]s 50%%", sink.SinkName)
	case input.Muted && silencedFor:
		return "the sound server silences music for a call or another stream that comes first (module-role-cork); it is heard again after that"
	case input.Muted:
		return fmt.Sprintf("the stream of guided is muted in the mixer; unmute it there, or with: pactl set-sink-input-mute %d 0", input.SinkInputIndex)
	case isZero(input.ChannelVolumes):
		return fmt.Sprintf("the stream of guided is turned down to 0 in the mixer; turn it up there, or with: pactl set-sink-input-volume %d 100%%", input.SinkInputIndex)
	}
	return ""
}

// isZero tells whether every channel is turned down to nothing.
func isZero(volumes proto.ChannelVolumes) bool {
	for _, v := range volumes {
		if v > proto.VolumeMuted {
			return false
		}
	}
	return len(volumes) > 0
}
