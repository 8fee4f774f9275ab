package voice

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"guided/audio"
)

// refusal is what a server says in place of speaking.
type refusal struct{ text string }

func (r *refusal) Error() string { return r.text }

// synthesize asks for a text, as a whole. Piper takes a name before a language.
func synthesize(text, voice string) wyomingEvent {
	question := map[string]any{"text": text}
	if voice != "" {
		question["voice"] = map[string]string{"name": voice}
	}
	data, _ := json.Marshal(question) // strings cannot fail
	return wyomingEvent{Type: "synthesize", Data: data}
}

// wyomingFormat is the PCM of audio-start and audio-chunk: width in bytes, as a WAV file would hold it.
type wyomingFormat struct {
	Rate     int `json:"rate"`
	Width    int `json:"width"`
	Channels int `json:"channels"`
}

// wyomingSound gathers the answer to synthesize.
type wyomingSound struct {
	format wyomingFormat
	pcm    []byte
}

// take is told every event, and is done at audio-stop. Events that it does not know are none of its business.
func (s *wyomingSound) take(e wyomingEvent) (done bool, err error) {
	switch e.Type {
	case "audio-start", "audio-chunk":
		var f wyomingFormat
		if err := json.Unmarshal(e.Data, &f); err != nil {
			return false, fmt.Errorf("the format of its sound cannot be read: %w", err)
		}
		if f.Rate < audio.MinRate || f.Rate > audio.MaxRate || f.Width < 1 || f.Width > 4 || f.Channels < 1 || f.Channels > 2 {
			return false, fmt.Errorf("its sound cannot be used: %d samples a second of %d bytes on %d channels", f.Rate, f.Width, f.Channels)
		}
		if s.format != (wyomingFormat{}) && s.format != f {
			return false, errors.New("its sound changes its format half way")
		}
		s.format = f
		s.pcm = append(s.pcm, e.Payload...)
	case "audio-stop":
		if len(s.pcm) == 0 { // Piper's answer to a text without a word
			return false, &refusal{"it had nothing to say"}
		}
		return true, nil
	case "error":
		var said struct{ Text, Code string }
		if err := json.Unmarshal(e.Data, &said); err != nil || said.Text == "" {
			said.Text = "it failed, and does not say why"
		}
		return false, &refusal{fmt.Sprintf("%.300s", said.Text)}
	}
	return false, nil
}

// file is the sound as a WAV file.
func (s *wyomingSound) file() []byte {
	f, frame := s.format, s.format.Width*s.format.Channels
	b := append(make([]byte, 0, audio.WAVHeaderBytes+len(s.pcm)), "RIFF"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(audio.WAVHeaderBytes-8+len(s.pcm)))
	b = append(b, "WAVEfmt \x10\x00\x00\x00\x01\x00"...) // 16 bytes of format, PCM
	b = binary.LittleEndian.AppendUint16(b, uint16(f.Channels))
	b = binary.LittleEndian.AppendUint32(b, uint32(f.Rate))
	b = binary.LittleEndian.AppendUint32(b, uint32(f.Rate*frame))
	b = binary.LittleEndian.AppendUint16(b, uint16(frame))
	b = binary.LittleEndian.AppendUint16(b, uint16(8*f.Width))
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(s.pcm)))
	return append(b, s.pcm...)
}
