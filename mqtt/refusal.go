package mqtt

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"guided/player"
)

// refusal answers a command that never reached the player, and says which one as well as can be told.
func refusal(payload []byte, why string) player.Response {
	verb, transaction := gist(payload)
	return player.Response{Status: "error", Command: verb, Error: why, Transaction: transaction}
}

// gist reads the verb and the transaction of a command, where they can be seen in a short look.
func gist(payload []byte) (verb, transaction string) {
	const glance = 4096
	if len(payload) > glance {
		return "", ""
	}
	words := string(payload)
	if bytes.HasPrefix(bytes.TrimSpace(payload), []byte("{")) {
		var c struct {
			Command     string
			Transaction json.RawMessage
		}
		_ = json.Unmarshal(payload, &c) // what cannot be read is left empty
		words = c.Command
		if json.Unmarshal(c.Transaction, &transaction) != nil {
			transaction = string(c.Transaction) // a number
		}
	}
	verb, _, _ = strings.Cut(strings.TrimSpace(words), " ")
	if len(verb) > 40 || !utf8.ValidString(verb) {
		verb = ""
	}
	return strings.ToLower(verb), transaction
}
