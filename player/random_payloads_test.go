package player_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// randomRoutine is a tiny routine with steps of every kind.
func randomRoutine(r *rand.Rand, n int) string {
	one := func(of ...string) string { return of[r.IntN(len(of))] }
	var b strings.Builder
	fmt.Fprintf(&b, "title = \"Random routine %d\"\n", n)
	if bed := one("", "", "rain", "drone", "waves"); bed != "" {
		fmt.Fprintf(&b, "bed = %q\n", bed)
	}
	for i := range 1 + r.IntN(4) {
		fmt.Fprintf(&b, "[[step]]\nname = \"Step %d\"\n", i)
		if r.IntN(2) == 0 {
			fmt.Fprintf(&b, "say = %q\n", one("Go.", "Here, and stay a while.", "This one is slow."))
		}
		b.WriteString(one(
			"hold = \"2s\"\nsides = true\nswitch = \"1s\"\n", "breathe = \"0.5-0.5\"\nfor = \"3 breaths\"\nsides = true\nswitch = \"1s\"\n",
			"breathe = \"0.5-0.5-0.5\"\nfor = \"2 breaths\"\nfit = [\"1 breath\", \"20 breaths\"]\n", "rest = \"2s\"\nfit = [\"1s\", \"20s\"]\n", "reps = 2\ntempo = \"0.5-0.5\"\n",
			"hold = \"until next\"\n", "rest = \"2s\"\ncountdown = 1\n", "hold = \"2 breaths\"\n",
		))
	}
	return b.String()
}

// randomCommand is a payload: mostly a command with parameters that make sense, sometimes anything.
func randomCommand(r *rand.Rand, names []string) string {
	one := func(of ...string) string { return of[r.IntN(len(of))] }
	start := func() string {
		words := "start " + one(names...)
		for range r.IntN(3) {
			words += one(" for 10s", " for 3s", " volume 40", " volume 0", " voice anna", " voice hum", " voice /etc", " verbosity short", " verbosity minimal", " holds off", " holds on", " bed none", " bed waves", " bed jazz", " for ever", " fade_in 2s", " fade_out 3s", " fade_out 10m", " until 00:00:40", " until 23:00")
		}
		return words
	}
	words := one(start(), start(), start(), one("stop", "pause", "resume", "toggle", "next", "back", "repeat"), one("stop", "pause", "resume", "toggle", "next", "back", "repeat"),
		one("extend", "extend 1s", "extend 2 breaths", "slower", "faster", "slower", "faster"), one("volume 30", "volume 100", "duck", "unduck", "status"),
		one("snooze", "snooze 5m", "skip_run", "schedule off", "schedule on random", "snooze ever"),
		one("say Hello.", "say This message is slow.", "say "+longMessage, `{"command":"say","text":"In a gap.","when":"gap"}`), "select "+one(names...),
		one("", "?", "{}", "[]", "stop.\x00", `"pause"`, `{"command":"stop"`, "\xff\xfes\x00t\x00o\x00p\x00", "xyzzy", "volume loud"))
	if r.IntN(4) == 0 && !strings.HasPrefix(words, "{") && !strings.HasPrefix(words, `"`) {
		stamp := ""
		if r.IntN(3) == 0 {
			stamp = fmt.Sprintf(`,"sent_at":%d`, time.Now().Add(time.Duration(r.IntN(120)-60)*time.Second).UnixMilli())
		}
		return fmt.Sprintf(`{"command":%q,"transaction":"%d"%s}`, strings.ToValidUTF8(words, ""), r.IntN(40), stamp)
	}
	return words
}
