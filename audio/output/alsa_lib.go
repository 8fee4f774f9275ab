package output

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
)

// alsaLib is libasound, loaded when it is first needed: a machine that plays through a sound server, or not at all,
// need not have it. An int of Go is a long of C here, and an int32 is an int, on every Linux that Go knows. Pointers
// to C's own objects are unsafe.Pointer and are never looked into.
type alsaLib struct {
	once sync.Once
	err  error

	open   func(pcm *unsafe.Pointer, name string, stream, mode int32) int32
	close  func(pcm unsafe.Pointer) int32
	drop   func(pcm unsafe.Pointer) int32
	avail  func(pcm unsafe.Pointer) int
	wait   func(pcm unsafe.Pointer, ms int32) int32
	write  func(pcm unsafe.Pointer, frames *byte, n uint) int
	delay  func(pcm unsafe.Pointer, frames *int) int32
	rescue func(pcm unsafe.Pointer, err, silent int32) int32

	hwNew      func(p *unsafe.Pointer) int32
	hwFree     func(p unsafe.Pointer)
	hwAny      func(pcm, p unsafe.Pointer) int32
	hwAccess   func(pcm, p unsafe.Pointer, access int32) int32
	hwFormat   func(pcm, p unsafe.Pointer, format int32) int32
	hwChannels func(pcm, p unsafe.Pointer, n uint32) int32
	hwResample func(pcm, p unsafe.Pointer, on uint32) int32
	hwRate     func(pcm, p unsafe.Pointer, rate uint32, direction int32) int32
	hwPeriod   func(pcm, p unsafe.Pointer, frames *uint, direction *int32) int32
	hwBuffer   func(pcm, p unsafe.Pointer, frames *uint) int32
	hwSet      func(pcm, p unsafe.Pointer) int32
	hwGet      func(pcm unsafe.Pointer, buffer, period *uint) int32

	swNew     func(p *unsafe.Pointer) int32
	swFree    func(p unsafe.Pointer)
	swCurrent func(pcm, p unsafe.Pointer) int32
	swStart   func(pcm, p unsafe.Pointer, frames uint) int32
	swAvail   func(pcm, p unsafe.Pointer, frames uint) int32
	swSet     func(pcm, p unsafe.Pointer) int32

	explain    func(err int32) string
	forget     func() int32
	errorsTo   func(handler uintptr) int32
	hints      func(card int32, kind string, list *unsafe.Pointer) int32
	hint       func(entry unsafe.Pointer, id string) unsafe.Pointer
	hintsFree  func(list unsafe.Pointer) int32
	stringFree func(text unsafe.Pointer)
}

// load opens the library once; it stays loaded, because its plugins run threads of their own.
func (l *alsaLib) load() error {
	l.once.Do(func() { l.err = l.bind() })
	return l.err
}

func (l *alsaLib) bind() error {
	handle, err := purego.Dlopen("libasound.so.2", purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return fmt.Errorf("ALSA is not installed (%w); install the package libasound2t64, or libasound2 on older systems", err)
	}
	for name, function := range map[string]any{
		"snd_pcm_open": &l.open, "snd_pcm_close": &l.close, "snd_pcm_drop": &l.drop,
		"snd_pcm_avail_update": &l.avail, "snd_pcm_wait": &l.wait, "snd_pcm_writei": &l.write,
		"snd_pcm_delay": &l.delay, "snd_pcm_recover": &l.rescue,

		"snd_pcm_hw_params_malloc": &l.hwNew, "snd_pcm_hw_params_free": &l.hwFree, "snd_pcm_hw_params_any": &l.hwAny,
		"snd_pcm_hw_params_set_access": &l.hwAccess, "snd_pcm_hw_params_set_format": &l.hwFormat,
		"snd_pcm_hw_params_set_channels": &l.hwChannels, "snd_pcm_hw_params_set_rate_resample": &l.hwResample,
		"snd_pcm_hw_params_set_rate": &l.hwRate, "snd_pcm_hw_params_set_period_size_near": &l.hwPeriod,
		"snd_pcm_hw_params_set_buffer_size_near": &l.hwBuffer, "snd_pcm_hw_params": &l.hwSet,
		"snd_pcm_get_params": &l.hwGet,

		"snd_pcm_sw_params_malloc": &l.swNew, "snd_pcm_sw_params_free": &l.swFree,
		"snd_pcm_sw_params_current": &l.swCurrent, "snd_pcm_sw_params_set_start_threshold": &l.swStart,
		"snd_pcm_sw_params_set_avail_min": &l.swAvail, "snd_pcm_sw_params": &l.swSet,

		"snd_strerror": &l.explain, "snd_config_update_free_global": &l.forget,
		"snd_lib_error_set_handler": &l.errorsTo, "snd_device_name_hint": &l.hints,
		"snd_device_name_get_hint": &l.hint, "snd_device_name_free_hint": &l.hintsFree,
	} {
		if err := bindSymbol(handle, name, function); err != nil {
			return err
		}
	}
	if err := bindSymbol(purego.RTLD_DEFAULT, "free", &l.stringFree); err != nil {
		return err
	}
	return l.hush(handle)
}

func bindSymbol(handle uintptr, name string, function any) error {
	address, err := purego.Dlsym(handle, name)
	if err != nil {
		return fmt.Errorf("ALSA on this system is too old (%w); update libasound2", err)
	}
	purego.RegisterFunc(function, address)
	return nil
}

// hush keeps the library's own messages off standard error: dozens of lines for each device that is away. The handler
// is a variadic C function, which Go cannot make; but a caller of one cleans up after itself, so that any function
// that takes nothing and changes nothing will do. The library brings one along.
func (l *alsaLib) hush(handle uintptr) error {
	quiet, err := purego.Dlsym(handle, "snd_asoundlib_version")
	if err != nil {
		return fmt.Errorf("ALSA on this system is too old (%w); update libasound2", err)
	}
	l.errorsTo(quiet)
	return nil
}

// check makes an error of a negative result of what was being done.
func (l *alsaLib) check(doing string, result int32) error {
	if result >= 0 {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, alsaError{result, l.explain(result)})
}

// alsaError is an error number of ALSA and what it says about it.
type alsaError struct {
	code int32
	text string
}

func (e alsaError) Error() string { return e.text }

// alsaCode is the error number inside err, 0 if there is none.
func alsaCode(err error) int32 {
	var e alsaError
	errors.As(err, &e)
	return e.code
}
