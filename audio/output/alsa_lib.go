package output

import (
	"errors"
	"fmt"
	"slices"
	"strings"
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

	open    func(pcm *unsafe.Pointer, name string, stream, mode int32) int32
	close   func(pcm unsafe.Pointer) int32
	drop    func(pcm unsafe.Pointer) int32
	avail   func(pcm unsafe.Pointer) int
	wait    func(pcm unsafe.Pointer, ms int32) int32
	write   func(pcm unsafe.Pointer, frames *byte, n uint) int
	delay   func(pcm unsafe.Pointer, frames *int) int32
	recover func(pcm unsafe.Pointer, err, silent int32) int32

	hwMalloc      func(p *unsafe.Pointer) int32
	hwFree        func(p unsafe.Pointer)
	hwAny         func(pcm, p unsafe.Pointer) int32
	hwSetAccess   func(pcm, p unsafe.Pointer, access int32) int32
	hwSetFormat   func(pcm, p unsafe.Pointer, format int32) int32
	hwSetChannels func(pcm, p unsafe.Pointer, n uint32) int32
	hwSetResample func(pcm, p unsafe.Pointer, on uint32) int32
	hwSetRate     func(pcm, p unsafe.Pointer, rate uint32, direction int32) int32
	hwSetPeriod   func(pcm, p unsafe.Pointer, frames *uint, direction *int32) int32
	hwSetBuffer   func(pcm, p unsafe.Pointer, frames *uint) int32
	hwApply       func(pcm, p unsafe.Pointer) int32
	getParams     func(pcm unsafe.Pointer, buffer, period *uint) int32

	swMalloc      func(p *unsafe.Pointer) int32
	swFree        func(p unsafe.Pointer)
	swCurrent     func(pcm, p unsafe.Pointer) int32
	swSetStart    func(pcm, p unsafe.Pointer, frames uint) int32
	swSetAvailMin func(pcm, p unsafe.Pointer, frames uint) int32
	swApply       func(pcm, p unsafe.Pointer) int32

	strerror        func(err int32) string
	freeConfig      func() int32
	setErrorHandler func(handler uintptr) int32
	nameHints       func(card int32, kind string, list *unsafe.Pointer) int32
	getHint         func(entry unsafe.Pointer, id string) unsafe.Pointer
	freeHints       func(list unsafe.Pointer) int32
	free            func(text unsafe.Pointer)
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
		"snd_pcm_delay": &l.delay, "snd_pcm_recover": &l.recover,

		"snd_pcm_hw_params_malloc": &l.hwMalloc, "snd_pcm_hw_params_free": &l.hwFree, "snd_pcm_hw_params_any": &l.hwAny,
		"snd_pcm_hw_params_set_access": &l.hwSetAccess, "snd_pcm_hw_params_set_format": &l.hwSetFormat,
		"snd_pcm_hw_params_set_channels": &l.hwSetChannels, "snd_pcm_hw_params_set_rate_resample": &l.hwSetResample,
		"snd_pcm_hw_params_set_rate": &l.hwSetRate, "snd_pcm_hw_params_set_period_size_near": &l.hwSetPeriod,
		"snd_pcm_hw_params_set_buffer_size_near": &l.hwSetBuffer, "snd_pcm_hw_params": &l.hwApply,
		"snd_pcm_get_params": &l.getParams,

		"snd_pcm_sw_params_malloc": &l.swMalloc, "snd_pcm_sw_params_free": &l.swFree,
		"snd_pcm_sw_params_current": &l.swCurrent, "snd_pcm_sw_params_set_start_threshold": &l.swSetStart,
		"snd_pcm_sw_params_set_avail_min": &l.swSetAvailMin, "snd_pcm_sw_params": &l.swApply,

		"snd_strerror": &l.strerror, "snd_config_update_free_global": &l.freeConfig,
		"snd_lib_error_set_handler": &l.setErrorHandler, "snd_device_name_hint": &l.nameHints,
		"snd_device_name_get_hint": &l.getHint, "snd_device_name_free_hint": &l.freeHints,
	} {
		if err := bindSymbol(handle, name, function); err != nil {
			return err
		}
	}
	if err := bindSymbol(purego.RTLD_DEFAULT, "free", &l.free); err != nil {
		return err
	}
	return l.silenceErrors(handle)
}

func bindSymbol(handle uintptr, name string, function any) error {
	address, err := purego.Dlsym(handle, name)
	if err != nil {
		return fmt.Errorf("ALSA on this system is too old (%w); update libasound2", err)
	}
	purego.RegisterFunc(function, address)
	return nil
}

// silenceErrors keeps the library's own messages off standard error: dozens of lines for each device that is away. The handler
// is a variadic C function, which Go cannot make; but a caller of one cleans up after itself, so that any function
// that takes nothing and changes nothing will do. The library brings one along.
func (l *alsaLib) silenceErrors(handle uintptr) error {
	quiet, err := purego.Dlsym(handle, "snd_asoundlib_version")
	if err != nil {
		return fmt.Errorf("ALSA on this system is too old (%w); update libasound2", err)
	}
	l.setErrorHandler(quiet)
	return nil
}

// check makes an error of a negative result of what was being done.
func (l *alsaLib) check(doing string, result int32) error {
	if result >= 0 {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, alsaError{result, l.strerror(result)})
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

// devices lists the PCMs that can be played to, as ALSA's configuration and its cards offer them. The library is
// loaded.
func (l *alsaLib) devices() []DeviceInfo {
	l.freeConfig()
	var list unsafe.Pointer
	if l.nameHints(-1, "pcm", &list) < 0 || list == nil {
		return nil
	}
	defer l.freeHints(list)
	var found []DeviceInfo
	for i := uintptr(0); ; i++ {
		entry := *(*unsafe.Pointer)(unsafe.Add(list, i*unsafe.Sizeof(list)))
		if entry == nil {
			return found
		}
		name, about := l.hintText(entry, "NAME"), l.hintText(entry, "DESC")
		if name == "" || l.hintText(entry, "IOID") == "Input" || !isPlayable(name) {
			continue
		}
		found = append(found, DeviceInfo{
			Spec:    "alsa:" + name,
			Name:    strings.Join(strings.Fields(strings.ReplaceAll(about, "\n", ", ")), " "),
			Default: name == "default",
		})
	}
}

// isPlayable leaves out what is no device, what has no pace, and what lacks the conversion that plughw has.
func isPlayable(pcm string) bool {
	kind, _, _ := strings.Cut(pcm, ":")
	return !strings.HasPrefix(kind, "surround") && !slices.Contains([]string{
		"null", "file", "hw", "dmix", "dsnoop", "front", "rear", "center_lfe", "side", "modem", "phoneline", "usbstream",
		"samplerate", "speexrate", "lavrate", "upmix", "vdownmix", "speex", "a52", "jack", "oss",
	}, kind)
}

// hintText is a text of a hint; the library gives each away.
func (l *alsaLib) hintText(entry unsafe.Pointer, id string) string {
	text := l.getHint(entry, id)
	if text == nil {
		return ""
	}
	defer l.free(text)
	n := 0
	for *(*byte)(unsafe.Add(text, n)) != 0 {
		n++
	}
	return string(unsafe.Slice((*byte)(text), n))
}
