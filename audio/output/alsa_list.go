package output

import (
	"slices"
	"strings"
	"unsafe"
)

// devices lists the PCMs that can be played to, as ALSA's configuration and its cards offer them. The library is
// loaded.
func (l *alsaLib) devices() []Device {
	l.forget()
	var list unsafe.Pointer
	if l.hints(-1, "pcm", &list) < 0 || list == nil {
		return nil
	}
	defer l.hintsFree(list)
	var found []Device
	for i := uintptr(0); ; i++ {
		entry := *(*unsafe.Pointer)(unsafe.Add(list, i*unsafe.Sizeof(list)))
		if entry == nil {
			return found
		}
		name, about := l.hintText(entry, "NAME"), l.hintText(entry, "DESC")
		if name == "" || l.hintText(entry, "IOID") == "Input" || !forSpeakers(name) {
			continue
		}
		found = append(found, Device{
			Spec:    "alsa:" + name,
			Name:    strings.Join(strings.Fields(strings.ReplaceAll(about, "\n", ", ")), " "),
			Default: name == "default",
		})
	}
}

// forSpeakers leaves out what is no device, what has no pace, and what lacks the conversion that plughw has.
func forSpeakers(pcm string) bool {
	kind, _, _ := strings.Cut(pcm, ":")
	return !strings.HasPrefix(kind, "surround") && !slices.Contains([]string{
		"null", "file", "hw", "dmix", "dsnoop", "front", "rear", "center_lfe", "side", "modem", "phoneline", "usbstream",
		"samplerate", "speexrate", "lavrate", "upmix", "vdownmix", "speex", "a52", "jack", "oss",
	}, kind)
}

// hintText is a text of a hint; the library gives each away.
func (l *alsaLib) hintText(entry unsafe.Pointer, id string) string {
	text := l.hint(entry, id)
	if text == nil {
		return ""
	}
	defer l.stringFree(text)
	n := 0
	for *(*byte)(unsafe.Add(text, n)) != 0 {
		n++
	}
	return string(unsafe.Slice((*byte)(text), n))
}
