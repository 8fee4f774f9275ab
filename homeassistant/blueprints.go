package homeassistant

import (
	"embed"
	"fmt"
	"path"
	"regexp"
	"strings"
)

// blueprintFiles are automations for people to fill in. Each can also be imported as it stands in the repository.
// https://www.home-assistant.io/docs/blueprint/schema/
//
//go:embed blueprints/*.yaml
var blueprintFiles embed.FS

// Blueprint is one of them.
type Blueprint struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	text  string
}

// Blueprints are those inside the program, by name.
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

// For is the blueprint with the topics below node and the entities of a device in it, and where files for speakers are,
// "" for nowhere.
func (b Blueprint) For(node, device, files string) string {
	text := here(b.text, node, device)
	if files != "" {
		text = regexp.MustCompile(`(?s)(    base:\n.*?default: )""`).ReplaceAllString(text, "${1}"+quoted(files))
	}
	return text
}
