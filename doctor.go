package main

import (
	"fmt"
	"strings"
)

type doctorCommand struct{}

// finding is what the doctor says of one thing.
type finding struct {
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
func (p *process) findings() []finding {
	c, err := p.settings()
	if err != nil {
		return []finding{judge("settings", "", err)}
	}
	file, _, err := findConfig(p.config)
	list := []finding{judge("settings", file, err)}
	look := func(what string, at func(config) (string, error)) {
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
	look("cache", func(config) (string, error) { return lookAtFolder(cacheFolder()) })
	look("state", func(config) (string, error) { return lookAtFolder(stateFolder()) })
	return list
}

// judge is good with what was seen, or bad with what is to be done.
func judge(what, says string, err error) finding {
	if err != nil {
		return finding{what, false, err.Error()}
	}
	return finding{what, true, says}
}
