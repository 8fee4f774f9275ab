package cli

import (
	"fmt"
	"guided/config"
	"strings"
)

type doctorCommand struct{}

// Finding is what the doctor says of one thing.
type Finding struct {
	What string `json:"what"`
	OK   bool   `json:"ok"`
	Says string `json:"says"`
}

// Run looks at everything that can be wrong on a machine, makes no sound, and fails when something is broken.
func (doctorCommand) Run(p *process) error {
	list := p.findings()
	broken := false
	for _, f := range list {
		broken = broken || !f.OK
	}
	if p.json {
		if err := p.printJSON(list); err != nil {
			return err
		}
	} else {
		for _, f := range list {
			mark := "good"
			if !f.OK {
				mark = "BAD"
			}
			fmt.Fprintf(p.stdout, "%-4s  %-8s  %s\n", mark, f.What, strings.ReplaceAll(f.Says, "\n", "\n                "))
		}
	}
	if broken {
		return errTold
	}
	return nil
}

// findings are in the order in which a listener would look for the fault. Without settings there is nothing to look at.
func (p *process) findings() []Finding {
	c, err := p.settings()
	if err != nil {
		return []Finding{judge("settings", "", err)}
	}
	file, _, err := config.Find(p.config)
	list := []Finding{judge("settings", file, err)}
	look := func(what string, at func(config.Config) (string, error)) {
		says, err := at(c)
		list = append(list, judge(what, says, err))
	}
	look("sound", p.lookAtSound)
	look("daemon", p.lookAtDaemon)
	look("voice", p.lookAtVoice)
	look("engine", p.lookAtEngine)
	look("routines", p.lookAtRoutines)
	look("phrases", p.lookAtPhrases)
	look("clock", lookAtClock)
	look("cache", func(config.Config) (string, error) { return lookAtFolder(config.CacheDir()) })
	look("state", func(config.Config) (string, error) { return lookAtFolder(config.StateDir()) })
	return list
}

// judge is good with what was seen, or bad with what is to be done.
func judge(what, says string, err error) Finding {
	if err != nil {
		return Finding{what, false, err.Error()}
	}
	return Finding{what, true, says}
}
