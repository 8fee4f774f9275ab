package audio

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// pages are the stretches of memory in which the program file lies that are only ever read: the recordings inside it,
// most of all. The kernel maps 64 kB around every byte that is touched, and keeps that mapped: a routine of a quarter
// of an hour would end with all the voices in its account.
type pages [][2]uintptr

// ownPages finds them; none where /proc is not to be had.
func ownPages() pages {
	exe, err := os.Executable()
	if err != nil {
		return nil
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return nil
	}
	defer maps.Close()
	var list pages
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		f := strings.Fields(lines.Text()) // address, rights, offset, device, inode, path
		if len(f) != 6 || f[1] != "r--p" || f[5] != exe {
			continue
		}
		low, high, _ := strings.Cut(f[0], "-")
		from, err1 := strconv.ParseUint(low, 16, 64)
		to, err2 := strconv.ParseUint(high, 16, 64)
		if err1 == nil && err2 == nil {
			list = append(list, [2]uintptr{uintptr(from), uintptr(to)})
		}
	}
	return list
}

// shed gives the mapping of them back. What is read again comes from the kernel's cache of the file, or from the file.
func (p pages) shed() {
	for _, r := range p {
		// An error means that the memory stays: nothing is lost.
		_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, r[0], r[1]-r[0], syscall.MADV_DONTNEED)
	}
}
