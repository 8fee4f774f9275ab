package voice

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"guided/audio"
	"guided/audio/audiotest"
)

// scannedAs fails the test where an index is scanned as another than encoding/json decodes.
func scannedAs(t *testing.T, data []byte) (scanned bool) {
	t.Helper()
	got, scanned := scanIndex(string(data))
	if !scanned {
		return false
	}
	var want Index
	if err := json.Unmarshal(data, &want); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%s\nis scanned as %+v\nand decoded as %+v: %v", data, got, want, err)
	}
	return true
}

// Every start waits for the index of a voice.
func TestIndexOfEmbeddedVoicesIsScanned(t *testing.T) {
	for _, name := range EmbeddedVoices() {
		data, err := fs.ReadFile(embeddedVoices, "voices/"+name+"/"+indexFile)
		if err != nil {
			t.Fatal(err)
		}
		if !scannedAs(t, data) {
			t.Errorf("the index of %s is not read in one pass", name)
		}
	}
}

func TestIndexIsReadAsEncodingJSONDoes(t *testing.T) {
	for name, c := range map[string]struct {
		text    string
		scanned bool
	}{
		"as it is built":          {`{"name":"x","lang":"en","about":"me","clips":[{"text":"é…","file":"a.wav","samples":10,"beat":0}]}`, true},
		"with blanks":             {" {\r\n\t\"name\" : \"x\" , \"clips\" : [ { \"text\" : \"a\" } , { } ] } \n", true},
		"no clips":                {`{"clips":[]}`, true},
		"nothing":                 {`{}`, true},
		"a key twice":             {`{"name":"x","name":"y"}`, true},
		"two lists":               {`{"clips":[{"text":"a"}],"clips":[{"file":"b"}]}`, false},
		"an escape":               {`{"name":"a\u0020b"}`, false},
		"a key in capitals":       {`{"Name":"x"}`, false},
		"an unknown key":          {`{"licence":{"name":"x"}}`, false},
		"null":                    {`{"name":null}`, false},
		"a fraction":              {`{"clips":[{"samples":1.5}]}`, false},
		"an exponent":             {`{"clips":[{"samples":1e3}]}`, false},
		"a leading zero":          {`{"clips":[{"samples":01}]}`, false},
		"a negative number":       {`{"clips":[{"samples":-1}]}`, false},
		"a number of 64 bits":     {`{"clips":[{"samples":9999999999}]}`, false},
		"bytes that are no text":  {"{\"name\":\"\xff\"}", false},
		"a line break in a text":  {"{\"name\":\"a\nb\"}", false},
		"a comma too many":        {`{"clips":[{"text":"a"},]}`, false},
		"a comma too few":         {`{"name":"a" "lang":"b"}`, false},
		"more after it":           {`{} {}`, false},
		"a zero byte after it":    {"{}\x00", false},
		"torn":                    {`{"name":"x","clips":[{"te`, false},
		"torn behind the comma":   {`{"name":"x",`, false},
		"a list":                  {`[]`, false},
		"an empty file":           {"", false},
		"a byte order mark first": {"\ufeff{}", false},
	} {
		t.Run(name, func(t *testing.T) {
			if scanned := scannedAs(t, []byte(c.text)); scanned != c.scanned {
				t.Errorf("read in one pass: %v", scanned)
			}
			got, err := parseIndex([]byte(c.text))
			var want Index
			if failed := json.Unmarshal([]byte(c.text), &want); !reflect.DeepEqual(got, want) || (err == nil) != (failed == nil) {
				t.Errorf("read as %+v, %v; want %+v, %v", got, err, want, failed)
			}
		})
	}
}

// FuzzScanIndex compares the scanner with encoding/json.
func FuzzScanIndex(f *testing.F) {
	f.Add([]byte(`{"name":"x","lang":"en","clips":[{"text":"one","file":"one.wav","samples":100,"beat":7},{"text":"two.","file":"one.wav"}]}`))
	f.Add([]byte(`{"clips":[],"clips":[{"samples":-1}]} `))
	f.Fuzz(func(t *testing.T, data []byte) { scannedAs(t, data) })
}

// A folder of recordings may hold links, folders, and names in another case than a disk from another system stores them.
func TestOpenRecordedVoiceFindsFilesThatTheFolderDoesNotListAsSuch(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	recording := audiotest.WAVFile(audio.Rate, audiotest.Sine(4800, audio.Rate, 500, 0.5))
	index, err := json.Marshal(Index{Clips: []Clip{{"a link", "link.wav", 4800, 0}, {"in a folder", "sub/one.wav", 4800, 0}, {"beside the index", "one.wav", 4800, 0}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		filepath.Join(dir, indexFile): index, filepath.Join(dir, "one.wav"): recording,
		filepath.Join(dir, "sub/one.wav"): recording, filepath.Join(elsewhere, "real.wav"): recording,
	} {
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(elsewhere, "real.wav"), filepath.Join(dir, "link.wav")); err != nil {
		t.Fatal(err)
	}
	v, err := OpenRecordedVoice(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range v.Clips {
		if r, err := v.Speak(t.Context(), c.Text); err != nil || len(r.PCM) != 4800 {
			t.Errorf("%s: %d samples: %v", c.Text, len(r.PCM), err)
		}
	}
}
