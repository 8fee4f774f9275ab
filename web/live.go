package web

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// liveBlock is how much is sent at a time: 20 ms, so that nothing waits for more.
const liveBlock = 960 * frameBytes

// listen is what is playing now, as a WAV file without an end.
func (s *server) listen(w http.ResponseWriter, r *http.Request) {
	if s.tap == nil {
		say(w, http.StatusNotFound, "this output cannot be listened to; play a routine's own file")
		return
	}
	if !s.admit(w) {
		return
	}
	defer s.release()
	w.Header().Set("Content-Type", "audio/wav")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Accept-Ranges", "none")
	dlna(w.Header(), r)
	if r.Method == http.MethodHead {
		return
	}
	to := http.NewResponseController(w)
	sound := s.tap.Listen(r.Context())
	send := func(b []byte) error {
		if err := to.SetWriteDeadline(time.Now().Add(stallTime)); err != nil {
			return err
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
		return to.Flush()
	}
	if send(wavHeader(endless)) != nil {
		return
	}
	block := make([]byte, liveBlock)
	for r.Context().Err() == nil {
		n, err := io.ReadFull(sound, block)
		if n > 0 && send(block[:n]) != nil || err != nil {
			if err != nil && !errors.Is(err, io.EOF) && r.Context().Err() == nil {
				s.log.Warn("what is playing cannot be listened to", "err", err)
			}
			return
		}
	}
}
