package homeassistant

import (
	"embed"
	"fmt"
	"path"
	"regexp"
	"strings"
)

// blueprintFiles are whole blueprints, not templates: each can also be imported as it stands in the repository.
// https://www.home-assistant.io/docs/blueprint/schema/
//
//go:embed blueprints/*.yaml
var blueprintFiles embed.FS

// A Blueprint is an automation for users to fill in.
type Blueprint struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	text  string
}

// Blueprints are the embedded ones, by name.
func Blueprints() ([]Blueprint, error) {
	files, err := blueprintFiles.ReadDir("blueprints")
	if err != nil {
		return nil, err
	}
	var all []Blueprint
	for _, file := range files {
		text, err := blueprintFiles.ReadFile(path.Join("blueprints", file.Name()))
		if err != nil {
			return nil, err
		}
		title := regexp.MustCompile(`(?m)^  name: "(.*)"$`).FindSubmatch(text)
		if title == nil {
			return nil, fmt.Errorf("the blueprint %s has no name", file.Name())
		}
		all = append(all, Blueprint{strings.TrimSuffix(file.Name(), ".yaml"), string(title[1]), string(text)})
	}
	return all, nil
}

// For is the blueprint with the defaults of its inputs for one daemon: its prefix and node as topic, and the URL below
// which the audio files for speakers lie, "" for none.
func (b Blueprint) For(topic, filesURL string) string {
	text := withDefault(b.text, "node", plainOrQuoted(topic))
	if filesURL != "" {
		text = withDefault(text, "base", yamlString(filesURL))
	}
	return text
}

// withDefault is a blueprint with another default of an input, where it has that input.
func withDefault(text, input, value string) string {
	line := regexp.MustCompile(`(?m)^    ` + input + `:\n(?:      .*\n)*?      default: (.*)$`).FindStringSubmatchIndex(text)
	if line == nil {
		return text
	}
	return text[:line[2]] + value + text[line[3]:]
}

// plainOrQuoted is a topic as a scalar of YAML, with quotes only where it needs them.
func plainOrQuoted(topic string) string {
	if regexp.MustCompile(`^[\pL\pN_][^:#]*$`).MatchString(topic) {
		return topic
	}
	return yamlString(topic)
}
