package cli

// haCommand is what guided does for Home Assistant beside the daemon.
type haCommand struct {
	Sentences sentencesCommand `cmd:"" help:"Write the sentences that Assist understands, for your routines."`
	Package   packageCommand   `cmd:"" help:"Write the package that answers the sentences."`
	Blueprint blueprintCommand `cmd:"" help:"List the blueprints for automations, or write one."`
	Purge     purgeCommand     `cmd:"" help:"Take everything that the daemon left with the broker away, and its device in Home Assistant."`
}
