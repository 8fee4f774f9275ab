package e2e

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// parseYAML reads a file made for Home Assistant with a parser that is not ours. A tag such as !input becomes the text
// "!input NAME". A key that stands twice is an error.
func parseYAML(t *testing.T, text string) map[string]any {
	t.Helper()
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(text), &root); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	untag(&root)
	var v map[string]any
	if err := root.Decode(&v); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return v
}

func untag(n *yaml.Node) {
	if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		n.Value, n.Tag = n.Tag+" "+n.Value, "!!str"
	}
	for _, child := range n.Content {
		untag(child)
	}
}

// at is what lies at a path of keys, nil for nothing.
func at(v any, path ...any) any {
	for _, key := range path {
		switch k := key.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[k]
		case int:
			list, _ := v.([]any)
			if k >= len(list) {
				return nil
			}
			v = list[k]
		}
	}
	return v
}

// texts gives every string in a document, with those in lists and under keys.
func texts(v any) (all []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, x := range v {
			all = append(all, texts(x)...)
		}
	case map[string]any:
		for _, x := range v {
			all = append(all, texts(x)...)
		}
	}
	return all
}
