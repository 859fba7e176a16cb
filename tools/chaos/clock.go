package chaos

import (
	"encoding/binary"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// timepiece is a clock that all processes share: the machine's time and an offset
// in a file that all of them map.
type timepiece struct{ offset *int64 } // microseconds

// openClock maps the file, which is made if it is not there.
func openClock(path string) (timepiece, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return timepiece{}, err
	}
	defer f.Close()
	size := binary.Size(int64(0))
	if err := f.Truncate(int64(size)); err != nil {
		return timepiece{}, err
	}
	page, err := syscall.Mmap(int(f.Fd()), 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return timepiece{}, fmt.Errorf("map the clock: %w", err)
	}
	return timepiece{(*int64)(unsafe.Pointer(&page[0]))}, nil
}

// Now returns the shared time.
func (t timepiece) Now() time.Time {
	return time.Now().UTC().Add(time.Duration(atomic.LoadInt64(t.offset)) * time.Microsecond).Truncate(time.Microsecond)
}

// advance puts the clock of every process forward.
func (t timepiece) advance(d time.Duration) { atomic.AddInt64(t.offset, d.Microseconds()) }
