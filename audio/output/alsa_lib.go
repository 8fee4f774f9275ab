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

// alsaLib binds libasound by dlopen, when it is first needed: a machine that plays through a sound server does not need
// the library. The fields are its functions, named after them without snd_
// (https://www.alsa-project.org/alsa-doc/alsa-lib/). On every Linux port of Go, int is C's long and int32 is C's int.
// Objects of the library are opaque, as unsafe.Pointer.
type alsaLib struct {
	once sync.Once
	err  error // of load

	open    func(pcm *unsafe.Pointer, name string, stream, mode int32) int32
	close   func(pcm unsafe.Pointer) int32
	drop    func(pcm unsafe.Pointer) int32
	state   func(pcm unsafe.Pointer) int32
	write   func(pcm unsafe.Pointer, frames *byte, n uint) int
	rewind  func(pcm unsafe.Pointer, n uint) int
	recover func(pcm unsafe.Pointer, err, silent int32) int32
	avail   func(pcm unsafe.Pointer) int
	delay   func(pcm unsafe.Pointer, frames *int) int32

	dump         func(pcm, output unsafe.Pointer) int32
	bufferOpen   func(output *unsafe.Pointer) int32
	bufferString func(output unsafe.Pointer, text *unsafe.Pointer) uint
	outputClose  func(output unsafe.Pointer) int32

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
	hwIsBatch     func(p unsafe.Pointer) int32
	hwApply       func(pcm, p unsafe.Pointer) int32
	freeParams    func(pcm unsafe.Pointer) int32
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

// load loads the library once. It is never unloaded, because its plugins run threads of their own.
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
		"snd_pcm_state": &l.state, "snd_pcm_writei": &l.write, "snd_pcm_rewind": &l.rewind, "snd_pcm_recover": &l.recover,
		"snd_pcm_avail_update": &l.avail, "snd_pcm_delay": &l.delay, "snd_pcm_dump": &l.dump,
		"snd_output_buffer_open": &l.bufferOpen, "snd_output_buffer_string": &l.bufferString, "snd_output_close": &l.outputClose,

		"snd_pcm_hw_params_malloc": &l.hwMalloc, "snd_pcm_hw_params_free": &l.hwFree, "snd_pcm_hw_params_any": &l.hwAny,
		"snd_pcm_hw_params_set_access": &l.hwSetAccess, "snd_pcm_hw_params_set_format": &l.hwSetFormat,
		"snd_pcm_hw_params_set_channels": &l.hwSetChannels, "snd_pcm_hw_params_set_rate_resample": &l.hwSetResample,
		"snd_pcm_hw_params_set_rate": &l.hwSetRate, "snd_pcm_hw_params_set_period_size_near": &l.hwSetPeriod,
		"snd_pcm_hw_params_set_buffer_size_near": &l.hwSetBuffer, "snd_pcm_hw_params": &l.hwApply,
		"snd_pcm_hw_params_is_batch": &l.hwIsBatch, "snd_pcm_hw_free": &l.freeParams, "snd_pcm_get_params": &l.getParams,

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

// silenceErrors sets an error handler that does nothing, because the default one prints dozens of lines to standard error
// for each missing device. A handler is a variadic C function, which purego cannot make. In the C calling conventions the
// caller removes its arguments, so any function without arguments and side effects serves; snd_asoundlib_version is one.
func (l *alsaLib) silenceErrors(handle uintptr) error {
	noop, err := purego.Dlsym(handle, "snd_asoundlib_version")
	if err != nil {
		return fmt.Errorf("ALSA on this system is too old (%w); update libasound2", err)
	}
	l.setErrorHandler(noop)
	return nil
}

// check turns a negative result into an error that begins with what was being done.
func (l *alsaLib) check(doing string, result int32) error {
	if result >= 0 {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, alsaError{result, l.strerror(result)})
}

// alsaError is an error of the library: a negative errno and its text.
type alsaError struct {
	code int32
	text string
}

func (e alsaError) Error() string { return e.text }

// alsaCode is the code of the alsaError in err, 0 if there is none.
func alsaCode(err error) int32 {
	var e alsaError
	errors.As(err, &e)
	return e.code
}

// devices lists the PCMs of ALSA's configuration and cards that can be played to. It requires load.
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

// isPlayable excludes PCMs that are no device, that nobody can hear, or that do not convert as plughw does.
func isPlayable(pcm string) bool {
	kind, _, _ := strings.Cut(pcm, ":")
	return !strings.HasPrefix(kind, "surround") && !slices.Contains([]string{
		"null", "file", "hw", "dmix", "dsnoop", "front", "rear", "center_lfe", "side", "modem", "phoneline", "usbstream",
		"samplerate", "speexrate", "lavrate", "upmix", "vdownmix", "speex", "a52", "jack", "oss",
	}, kind)
}

// hintText is a field of a hint, empty if it has none. The caller of snd_device_name_get_hint owns the text.
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
