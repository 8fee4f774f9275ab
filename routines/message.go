package routines

// Message is a routine that says a text and nothing else: something that the house wants said.
func Message(text string) *Routine {
	lang, _ := loadLang(defaultLang) // it is inside the program
	breath, _ := parsePattern(defaultBreath)
	return &Routine{
		Name: "message", Title: "Message", Lang: lang, Breath: breath, Count: defaultCountMode,
		Steps: []Step{{Kind: Say, Name: "Message", Say: text, Repeat: 1}},
	}
}
