package mix

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// exePages are the address ranges of the process in which the executable is mapped read-only, among them the embedded
// recordings. The kernel maps 64 kB around every byte that is read and keeps it mapped, so that a long routine would
// end with every voice counted as resident memory.
type exePages [][2]uintptr

// minRange is the size in bytes from which a range is worth releasing.
const minRange = 1 << 20

// findExePages reads them from /proc/self/smaps (man 5 proc); where there is none, it finds none. A range with anonymous
// pages is left out: the dynamic loader has written to them, and madvise would discard that.
func findExePages() exePages {
	exe, err := os.Executable()
	if err != nil {
		return nil
	}
	maps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return nil
	}
	defer maps.Close()
	var list exePages
	var current [2]uintptr
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		f := strings.Fields(lines.Text())
		switch {
		case len(f) == 3 && f[0] == "Anonymous:" && f[1] == "0" && current[1]-current[0] >= minRange:
			list = append(list, current)
		case len(f) == 6 && f[1] == "r--p" && f[5] == exe: // address, permissions, offset, device, inode, path
			low, high, _ := strings.Cut(f[0], "-")
			from, _ := strconv.ParseUint(low, 16, 64)
			to, _ := strconv.ParseUint(high, 16, 64)
			current = [2]uintptr{uintptr(from), uintptr(to)}
		case len(f) > 0 && !strings.HasSuffix(f[0], ":"):
			current = [2]uintptr{}
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
