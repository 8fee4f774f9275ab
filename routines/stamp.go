package routines

import (
	"io/fs"
	"syscall"
	"time"
)

// settled is how long before it is looked at a file must have been changed for its stamp to be believed: within the
// coarsest step of a file system's clock (2 s, of FAT) a second change of the same length would leave no trace.
const settled = 3 * time.Second

// stamp tells one state of a file or folder from any other by what the system says of it, without reading it. It is no help
// where the system says too little, and where the file has just been changed: then it is not sure.
type stamp struct {
	device, inode     uint64
	size              int64
	modified, changed int64 // nanoseconds since 1970; changed is set by the system alone
	sure              bool
}

// stampOf is the stamp of what was looked at at a time.
func stampOf(info fs.FileInfo, at time.Time) stamp {
	s, is := info.Sys().(*syscall.Stat_t)
	if !is {
		return stamp{}
	}
	m, c := s.Mtim.Nano(), s.Ctim.Nano()
	return stamp{uint64(s.Dev), s.Ino, s.Size, m, c, max(m, c) < at.Add(-settled).UnixNano()}
}

// same reports whether a file looked at now is as it was when s was made.
func (s stamp) same(now stamp) bool {
	now.sure = s.sure
	return s.sure && s == now
}

// embeddedStamp is that of the files in the program.
var embeddedStamp = stamp{sure: true}
