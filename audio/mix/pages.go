package mix

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// exePages are the stretches of memory in which the program file lies as it is on the disk: the recordings inside it, most
// of all. The kernel maps 64 kB around every byte that is touched, and keeps that mapped: a routine of a quarter of an
// hour would end with all the voices in its account.
type exePages [][2]uintptr

// minRange is what is worth it.
const minRange = 1 << 20

// findExePages finds them; none where /proc is not to be had. A stretch in which the loader of programs has written anything
// is not one: what was written would be lost.
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
	var stretch [2]uintptr
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		f := strings.Fields(lines.Text())
		switch {
		case len(f) == 3 && f[0] == "Anonymous:" && f[1] == "0" && stretch[1]-stretch[0] >= minRange:
			list = append(list, stretch)
		case len(f) == 6 && f[1] == "r--p" && f[5] == exe: // address, rights, offset, device, inode, path
			low, high, _ := strings.Cut(f[0], "-")
			from, _ := strconv.ParseUint(low, 16, 64)
			to, _ := strconv.ParseUint(high, 16, 64)
			stretch = [2]uintptr{uintptr(from), uintptr(to)}
		case len(f) > 0 && !strings.HasSuffix(f[0], ":"):
			stretch = [2]uintptr{}
		}
	}
	return list
}

// release gives the mapping of them back. What is read again comes from the kernel's cache of the file, or from the file.
func (p exePages) release() {
	for _, r := range p {
		// An error means that the memory stays: nothing is lost.
		_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, r[0], r[1]-r[0], syscall.MADV_DONTNEED)
	}
}
