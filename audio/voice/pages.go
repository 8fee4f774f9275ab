package voice

import (
	"bufio"
	"bytes"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// exePages are the address ranges of the process in which the executable is mapped read-only, among them the embedded
// recordings. The kernel maps 64 kB around every byte that is read, or 2 MiB where the file is cached in such pages, and
// keeps it mapped: in the end every voice would count as resident memory.
type exePages [][2]uintptr

// minRange is the size in bytes from which a range is worth releasing.
const minRange = 1 << 20

// findExePages reads them from /proc/self/smaps (man 5 proc); where there is none, it finds none. A range with anonymous
// pages is left out: the dynamic loader has written to them, and madvise would discard that. So is one that
// /proc/self/maps does not show: an emulator (qemu-user) translates the addresses of that file alone.
func findExePages() exePages {
	exe, err := os.Executable()
	if err != nil {
		return nil
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return nil
	}
	smaps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return nil
	}
	defer smaps.Close()
	var list exePages
	var current [2]uintptr
	for lines := bufio.NewScanner(smaps); lines.Scan(); {
		first, rest, _ := bytes.Cut(lines.Bytes(), []byte(" "))
		switch {
		case !bytes.HasSuffix(first, []byte(":")): // address, permissions, offset, device, inode, path
			current = [2]uintptr{}
			if bytes.HasPrefix(rest, []byte("r--p ")) && bytes.HasSuffix(rest, []byte(" "+exe)) && bytes.Contains(maps, slices.Concat(first, []byte(" r--p "))) {
				low, high, _ := strings.Cut(string(first), "-")
				from, _ := strconv.ParseUint(low, 16, 64)
				to, _ := strconv.ParseUint(high, 16, 64)
				current = [2]uintptr{uintptr(from), uintptr(to)}
			}
		case string(first) == "Anonymous:" && string(bytes.TrimSpace(rest)) == "0 kB" && current[1]-current[0] >= minRange:
			list = append(list, current)
		}
	}
	return list
}

// release unmaps what was read of the ranges. The next read finds it in the kernel's page cache or in the file.
func (p exePages) release() {
	for _, r := range p {
		// After an error the pages stay resident, and nothing is lost.
		_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, r[0], r[1]-r[0], syscall.MADV_DONTNEED)
	}
}

// releaseEvery is how many files are closed before what was read of them is released. What a release takes is a thousandth
// of a second, and that again for the code's own tables, which lie in the same ranges: the first word is not to wait for it.
const releaseEvery = 8

// embeddedFolder is a folder of the executable, which keeps little resident of the files that were read and closed.
type embeddedFolder struct {
	fs.FS
	pages  exePages
	closed *atomic.Uint32 // files
}

// embeddedFile is an open regular file of an embeddedFolder.
type embeddedFile struct {
	fs.File
	io.ReaderAt
	folder embeddedFolder
}

func (f embeddedFolder) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(name)
	if at, is := file.(io.ReaderAt); is { // not so a folder
		return embeddedFile{file, at, f}, err
	}
	return file, err
}

func (f embeddedFolder) Stat(name string) (fs.FileInfo, error) { return fs.Stat(f.FS, name) }

func (f embeddedFile) Close() error {
	if f.folder.closed.Add(1)%releaseEvery == 0 {
		f.folder.pages.release()
	}
	return f.File.Close()
}
