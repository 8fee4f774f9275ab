package voice

import "testing"

// BenchmarkFindExePages measures what the loader of every session does first.
func BenchmarkFindExePages(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		findExePages()
	}
}
