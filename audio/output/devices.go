package output

import (
	"context"

	"github.com/jfreymuth/pulse/proto"
)

// Device is something that Open can play to on this machine, or the reason why a kind of output cannot be used.
type Device struct {
	Spec    string `json:"spec"`              // for audio.output
	Name    string `json:"name,omitempty"`    // for people
	Default bool   `json:"default,omitempty"` // what its kind of output takes when none is named
	Problem string `json:"problem,omitempty"` // why Spec, then a kind of output, cannot be used
}

// Devices lists what can be opened now, the kind that "auto" takes first. It plays nothing.
func Devices(ctx context.Context) []Device {
	list := pulseDevices(ctx)
	lib := &alsaLib{}
	if err := lib.load(); err != nil {
		return append(list, Device{Spec: "alsa", Problem: err.Error()})
	}
	found := lib.devices()
	if len(found) == 0 {
		found = []Device{{Spec: "alsa", Problem: "ALSA knows no device to play to; plug in a speaker"}}
	}
	return append(list, found...)
}

func pulseDevices(ctx context.Context) []Device {
	problem := func(err error) []Device { return []Device{{Spec: "pulse", Problem: err.Error()}} }
	link, err := dialPulse(ctx, func(any) {})
	if err != nil {
		return problem(err)
	}
	defer link.close()
	var server proto.GetServerInfoReply
	if err := link.ask(&proto.GetServerInfo{}, &server); err != nil {
		return problem(err)
	}
	var sinks proto.GetSinkInfoListReply
	if err := link.ask(&proto.GetSinkInfoList{}, &sinks); err != nil {
		return problem(err)
	}
	var list []Device
	for _, s := range sinks {
		list = append(list, Device{
			Spec:    "pulse:" + s.SinkName,
			Name:    s.Device,
			Default: s.SinkName == server.DefaultSinkName,
		})
	}
	if len(list) == 0 {
		return []Device{{Spec: "pulse", Problem: "the sound server has no sink to play to; plug in a speaker"}}
	}
	return list
}
