package main

// haCommand is what guided does for Home Assistant beside the daemon.
type haCommand struct {
	Purge purgeCommand `cmd:"" help:"Take everything that the daemon left with the broker away, and its device in Home Assistant."`
}
