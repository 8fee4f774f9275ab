package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"guided/routines"
)

// Whatever range is asked for, what comes is a part of the file, the whole, or a refusal.
func FuzzRange(f *testing.F) {
	for _, text := range []string{"bytes=0-0", "bytes=-7", "bytes=9-", "bytes=0-1,5-6", "bytes=99999999999999999999-", "bytes=5-4", "bytes=-", "bits=1-2", "bytes=-0", "bytes= 1 - 2 "} {
		f.Add(text)
	}
	p := newTestServer(f)
	path, whole := p.url+p.audioPath()+"short.wav", p.renderWAV("short", routines.Options{})
	f.Fuzz(func(t *testing.T, asked string) {
		request, err := http.NewRequest(http.MethodHead, path, nil)
		if err != nil || strings.ContainsFunc(asked, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Skip()
		}
		request.Header.Set("Range", asked)
		answer, err := p.client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		first, last, size := 0, 0, 0
		switch answer.StatusCode {
		case http.StatusOK:
			if answer.ContentLength != int64(len(whole)) {
				t.Errorf("%q: the whole has %d bytes", asked, answer.ContentLength)
			}
		case http.StatusPartialContent:
			n, err := fmt.Sscanf(answer.Header.Get("Content-Range"), "bytes %d-%d/%d", &first, &last, &size)
			if n != 3 || err != nil || size != len(whole) || first < 0 || last < first || last >= size || answer.ContentLength != int64(last-first+1) {
				t.Errorf("%q: %v", asked, answer.Header)
			}
		case http.StatusRequestedRangeNotSatisfiable, http.StatusBadRequest:
		default:
			t.Errorf("%q: %d", asked, answer.StatusCode)
		}
	})
}
