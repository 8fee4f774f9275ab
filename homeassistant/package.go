package homeassistant

import (
	"embed"
	"encoding/json"
	"strings"
	"text/template"
)

// Package is the package that answers the sentences. topic is the daemon's prefix and node, device the name of its
// device. Numbers that were written in digits reach it with a decimal point.
// https://www.home-assistant.io/integrations/intent_script/
func Package(topic, device string) string {
	return execute("package.yaml", struct{ CommandTopic, Device string }{topic + "/command", slug(device, "guided")})
}

// The files that are made from templates stand in templates/, as YAML with <% %> around what is filled in: {{ }} belongs
// to Home Assistant. The functions yaml and printf "%q" both write a string as YAML, the latter with & < > as they are.
//
//go:embed templates/*.yaml
var templateFiles embed.FS

var templates = template.Must(template.New("").Delims("<%", "%>").
	Funcs(template.FuncMap{"join": strings.Join, "yaml": yamlString}).ParseFS(templateFiles, "templates/*.yaml"))

// execute fills in a template. The templates are fixed, so an error is a mistake in one of them or in its data.
func execute(name string, data any) string {
	var b strings.Builder
	if err := templates.ExecuteTemplate(&b, name, data); err != nil {
		panic(err)
	}
	return b.String()
}

// yamlString is s as a string of YAML: every string of JSON is one.
func yamlString(s string) string {
	b, _ := json.Marshal(s) // a string cannot fail
	return string(b)
}
