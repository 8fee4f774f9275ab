package voice

import (
	"bufio"
	"bytes"
	"testing"
)

// FuzzWyoming: no bytes of a server make the reader fail in a way of its own, or take more memory than they are.
func FuzzWyoming(f *testing.F) {
	var good bytes.Buffer
	for _, e := range []wyomingEvent{
		{Type: "audio-start", Data: []byte(`{"rate":22050,"width":2,"channels":1}`)},
		{Type: "audio-chunk", Data: []byte(`{"rate":22050,"width":2,"channels":1}`), Payload: make([]byte, 64)},
		{Type: "audio-stop"},
	} {
		if err := e.write(&good); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(good.Bytes())
	f.Add([]byte("{\"type\":\"error\",\"data\":{\"text\":\"no\"}}\n"))
	f.Add([]byte("{\"type\":\"info\",\"data_length\":4194304}\n{}"))
	f.Add([]byte("{\"type\":\"audio-chunk\",\"payload_length\":-9223372036854775808}\n"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		in := bufio.NewReader(bytes.NewReader(sent))
		var sound wyomingSound
		held := 0
		for {
			e, err := readWyoming(in)
			if err != nil {
				return
			}
			if held += len(e.Payload) + len(e.Data); held > len(sent) {
				t.Fatalf("%d bytes were made of %d", held, len(sent))
			}
			done, err := sound.take(e)
			if err != nil {
				return
			}
			if done {
				_, _ = importSpeech(sound.file()) // it may be no speech, but must not panic
				return
			}
		}
	})
}
