package player

import (
	"reflect"
	"testing"
)

// A snapshot must not change with the session: every slice, map and pointer in pulled has to be cloned.
func TestPulledCloneSharesNoMemory(t *testing.T) {
	p := pulled{overlays: []overlay{{delay: 1}}, timeline: timeline{segments: []segment{{frame: 1}}}}
	c := p.clone()
	if !reflect.DeepEqual(c, p) {
		t.Errorf("cloned %+v, got %+v", p, c)
	}
	wantNoSharedMemory(t, "pulled", reflect.ValueOf(p), reflect.ValueOf(c))
}

// wantNoSharedMemory checks the fields of two structs. Its caller fills in every slice.
func wantNoSharedMemory(t *testing.T, name string, a, b reflect.Value) {
	t.Helper()
	switch a.Kind() {
	case reflect.Struct:
		for i := range a.NumField() {
			wantNoSharedMemory(t, name+"."+a.Type().Field(i).Name, a.Field(i), b.Field(i))
		}
	case reflect.Slice:
		if a.Len() == 0 {
			t.Errorf("%s is empty: fill it in, and clone it", name)
		} else if a.Pointer() == b.Pointer() {
			t.Errorf("%s is shared", name)
		}
	case reflect.Bool, reflect.Int, reflect.Float64:
	default:
		t.Errorf("%s is a %s: clone it, and test that", name, a.Kind())
	}
}
