package player

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"guided/routines"
)

// key is a value that a command can carry.
type key struct {
	name   string
	set    func(c *Command, value string) error
	isWord bool // it may follow the name of a routine in the words of start
	common bool // every verb takes it
}

// keys are the keys of a command in JSON.
var keys = []key{
	{name: "command"}, // parsed as words
	{name: "routine", set: setRoutine},
	{name: "for", set: setFor, isWord: true},
	{name: "until", set: setUntil, isWord: true},
	{name: "volume", set: setVolume, isWord: true},
	{name: "voice", set: setVoice, isWord: true},
	{name: "verbosity", set: setVerbosity, isWord: true},
	{name: "holds", set: setHolds, isWord: true},
	{name: "bed", set: setBed, isWord: true},
	{name: "fade_in", set: setFadeIn, isWord: true},
	{name: "fade_out", set: setFadeOut, isWord: true},
	{name: "text", set: func(c *Command, v string) error { c.Text = v; return nil }},
	{name: "when", set: setWhen},
	{name: "switch", set: setSwitch},
	{name: "entry", set: setEntry},
	{name: "transaction", set: setTransaction, common: true},
	{name: "sent_at", set: setSentAt, common: true},
}

// keyNames lists the keys.
func keyNames() []string {
	var names []string
	for _, k := range keys {
		names = append(names, k.name)
	}
	return names
}

// StartKeys lists the keys of a start, those that every verb takes left out.
func StartKeys() []string {
	v, _ := findVerb("start") // it stands in the table
	return strings.Fields(v.keys)
}

// Parse reads a command as words (`start 4-4-6 for 5m volume 40`) or as JSON
// (`{"command":"start","routine":"4-4-6","for":"5m"}`), after removing the framing (see payloadText). An empty payload,
// or a question mark, asks for the status. What could be read is returned with the error too, so that the response can
// name it.
func Parse(payload []byte) (Command, error) {
	text := payloadText(payload)
	if strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") {
		return parseJSON([]byte(trimSentence(text)))
	}
	return parseWords(text)
}

// parseWords reads a verb and what follows it. Punctuation at the end is passed over, as speech and keyboards add it.
func parseWords(text string) (Command, error) {
	words := strings.Fields(text)
	if len(words) == 0 || text == "?" {
		return Command{Verb: "status"}, nil
	}
	c := Command{Verb: shorten(strings.ToLower(trimSentence(words[0])))}
	v, err := findVerb(c.Verb)
	if err != nil {
		return c, err
	}
	rest := words[1:]
	if v.name != "say" {
		rest = strings.Fields(trimSentence(strings.Join(rest, " ")))
	}
	if err := v.parse(&c, rest); err != nil {
		return c, fmt.Errorf("%w; write: %s", err, v.usage)
	}
	return c, nil
}

// What may follow a verb in words.

func parseNothing(c *Command, words []string) error {
	if len(words) > 0 {
		return fmt.Errorf("%s takes nothing after it, not %q", c.Verb, shorten(strings.Join(words, " ")))
	}
	return nil
}

func parseText(c *Command, words []string) error {
	c.Text = strings.Join(words, " ")
	return nil
}

// parseName reads a name of several words, which may stand in quotes.
func parseName(c *Command, words []string) error {
	name, _ := unquote(strings.Join(words, " "))
	return setRoutine(c, name)
}

// parseStart reads a name of several words, and the keys with values after it. They may belong to a title too: start
// looks for such a one first, and reports a value that is invalid where there is no such title.
func parseStart(c *Command, words []string) error {
	words = joinMeridiem(words)
	c.words = words
	name := c.setParameters(0)
	if len(name) == len(words) {
		c.words = nil
	}
	return parseName(c, name)
}

// joinMeridiem makes one word of a time of the day and its am or pm after "until".
func joinMeridiem(words []string) []string {
	for i := 2; i < len(words); i++ {
		joined := words[i-1] + words[i]
		if _, is, _ := parseClock(joined); is && strings.EqualFold(words[i-2], "until") && strings.ContainsAny(words[i][:1], "aApP") {
			return slices.Concat(words[:i-1], []string{joined}, words[i+1:])
		}
	}
	return words
}

// setParameters reads the keys with values at the end of the words, as far as they are valid and after the first words,
// and returns the words before them.
func (c *Command) setParameters(first int) []string {
	words := c.words
	for pairs := 0; len(words) >= first+2 && pairs < len(keys); pairs++ {
		name, value := strings.ToLower(words[len(words)-2]), words[len(words)-1]
		i := slices.IndexFunc(keys, func(k key) bool { return k.name == name && k.isWord })
		with := *c
		if i < 0 || keys[i].set(&with, value) != nil {
			break
		}
		*c = with
		words = words[:len(words)-2]
	}
	return words
}

// wrongParameters are the errors of the keys with invalid values among the words of a name, nil for none. name are the
// words before them.
func wrongParameters(routine string) (name string, wrong error) {
	words := strings.Fields(routine)
	isKey := func(word string) bool {
		return slices.ContainsFunc(keys, func(k key) bool { return k.isWord && k.name == strings.ToLower(word) })
	}
	first := slices.IndexFunc(words, isKey)
	if first < 0 {
		return routine, nil
	}
	for i := first; i < len(words); {
		end := i + 1
		for end < len(words) && !isKey(words[end]) {
			end++
		}
		k := keys[slices.IndexFunc(keys, func(k key) bool { return k.name == strings.ToLower(words[i]) })]
		c := Command{Verb: "start"}
		if value := strings.Join(words[i+1:end], " "); value == "" {
			wrong = errors.Join(wrong, fmt.Errorf("%s: its value is missing", k.name))
		} else if err := k.set(&c, value); err != nil {
			wrong = errors.Join(wrong, err)
		}
		i = end
	}
	if wrong != nil {
		wrong = errors.New(strings.ReplaceAll(wrong.Error(), "\n", "; "))
	}
	return strings.Join(words[:first], " "), wrong
}

// parseExtend reads by how much; without words the amount is zero.
func parseExtend(c *Command, words []string) error {
	if len(words) == 0 {
		return nil
	}
	return setFor(c, strings.Join(words, " "))
}

// parseVolume reads a volume; without words it is nil.
func parseVolume(c *Command, words []string) error {
	if len(words) == 0 {
		return nil
	}
	return setVolume(c, strings.Join(words, " "))
}

// parseJSON reads an object with the keys above. A value may be a string, or a number where a template put one; null
// and an empty string count as left out. Without a command it is refused: something went wrong where it was written.
func parseJSON(data []byte) (Command, error) {
	values, err := jsonValues(data)
	if err == nil && values["command"] == "" {
		err = missingCommand(values)
	}
	c, err := commandOf(values, err)
	if err != nil && values["command"] == "" {
		c.Verb = ""
	}
	return c, err
}

func missingCommand(values map[string]string) error {
	for _, k := range keys {
		if values[k.name] != "" {
			return fmt.Errorf(`%q without a command; add "command":"start"`, k.name)
		}
	}
	return errors.New(`no command in the JSON; write {"command":"start","routine":"yoga"}`)
}

// ParseBody reads a command whose verb is known, and whose keys are a JSON object; an empty body has none. The verb wins
// over a "command" of the object.
func ParseBody(verb string, body []byte) (Command, error) {
	values := map[string]string{}
	var err error
	if text := payloadText(body); text != "" {
		values, err = jsonValues([]byte(text))
	}
	values["command"] = verb
	return commandOf(values, err)
}

// ParseValues reads a command from its keys and values, "command" among them. An empty value counts as left out.
func ParseValues(values map[string]string) (Command, error) { return commandOf(values, nil) }

// commandOf makes a command of its values; invalid is why they could not all be read.
func commandOf(values map[string]string, invalid error) (Command, error) {
	c, err := parseWords(payloadText([]byte(values["command"])))
	if len(values["transaction"]) <= maxTransaction {
		c.Transaction = values["transaction"]
	}
	switch {
	case invalid != nil:
		return Command{Verb: c.Verb, Transaction: c.Transaction}, invalid
	case err != nil:
		return c, err
	}
	v, _ := findVerb(c.Verb) // parseWords found it
	for _, k := range keys[1:] {
		value := values[k.name]
		switch {
		case value == "":
			continue
		case k.common:
		case !slices.Contains(strings.Fields(v.keys), k.name):
			return c, fmt.Errorf("%s takes no %q; write: %s", v.name, k.name, v.usage)
		}
		if err := k.set(&c, value); err != nil {
			return c, err
		}
	}
	return c, nil
}

// jsonValues are the values of a JSON object as text, by their keys. With an error it returns what could be read.
func jsonValues(data []byte) (map[string]string, error) {
	values := map[string]string{}
	d := json.NewDecoder(bytes.NewReader(data))
	var object json.RawMessage
	if err := d.Decode(&object); err != nil {
		values["command"], values["transaction"] = brokenValue(data, "command"), brokenValue(data, "transaction")
		return values, fmt.Errorf("not a command in JSON: %w", err)
	}
	if object[0] != '{' {
		return values, errors.New(`no JSON object, such as {"routine":"yoga"}`)
	}
	var unknown, invalid error
	if _, err := d.Token(); err != io.EOF {
		invalid = errors.New("the JSON goes on after its end; send one command a message")
	}
	raw := map[string]json.RawMessage{}
	fields := json.NewDecoder(bytes.NewReader(object)) // of valid JSON, so it cannot fail
	_, _ = fields.Token()                              // the brace
	for fields.More() {
		token, _ := fields.Token()
		name, _ := token.(string)
		var value json.RawMessage
		_ = fields.Decode(&value)
		if i := slices.IndexFunc(keys, func(k key) bool { return strings.EqualFold(k.name, name) }); i >= 0 {
			raw[keys[i].name] = value
		} else {
			unknown = cmp.Or(unknown, unknownKey(name))
		}
	}
	for _, k := range keys {
		value, err := jsonText(raw[k.name])
		if err != nil {
			invalid = cmp.Or(invalid, fmt.Errorf("%s: %w", k.name, err))
		}
		values[k.name] = value
	}
	return values, cmp.Or(unknown, invalid)
}

// brokenValue is the value of a key in JSON that is broken, as far as it can be read: a word, a number or a quoted text.
func brokenValue(data []byte, key string) string {
	found := regexp.MustCompile(`(?i)["'\s{,]` + key + `["']?\s*[:=]\s*(?:"([^"]{1,100})|'([^']{1,100})|([\w.-]{1,100}))`).FindSubmatch(data)
	if found == nil {
		return ""
	}
	return strings.TrimSpace(string(slices.Concat(found[1:]...)))
}

func unknownKey(name string) error {
	return fmt.Errorf("unknown key %q; %s", shorten(name), routines.DidYouMean(name, keyNames()))
}

// jsonText is a JSON string, number or boolean as text; null and no value are empty.
func jsonText(raw json.RawMessage) (string, error) {
	var s string
	var b bool
	if len(raw) == 0 || json.Unmarshal(raw, &s) == nil {
		return trimFraming(s), nil
	}
	if json.Unmarshal(raw, &b) == nil {
		return strconv.FormatBool(b), nil
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String(), nil
	}
	return "", errors.New("want a text or a number")
}
