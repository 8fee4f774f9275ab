package homeassistant

import (
	"context"
	"errors"
	"slices"
	"strings"

	"guided/routines"
)

// Sentences is the file of custom sentences: what a person may say to Assist, for the routines of a library. The names of
// lists and rules are shared by all files in Home Assistant, so ours begin with guided. What is said to a media player
// ("pause", "next", "stop") is left to it.
// https://www.home-assistant.io/voice_control/custom_sentences_yaml/
func Sentences(ctx context.Context, l routines.Library) (string, error) {
	all, err := spokenRoutines(ctx, l)
	if err != nil {
		return "", err
	}
	return execute("sentences.yaml", all), nil
}

// A spokenRoutine is a routine and the forms in which it may be asked for, in lower case and without any character that
// has a meaning in a sentence of Assist.
type spokenRoutine struct {
	Name  string
	Forms []string
}

// spokenRoutines lists the routines that can be played. No form belongs to two of them; a title comes before the name of
// a file.
func spokenRoutines(ctx context.Context, library routines.Library) ([]spokenRoutine, error) {
	l := routines.NewIndex(library)
	names, err := l.Names(ctx)
	if err != nil && !errors.Is(err, routines.ErrLeftOut) { // `guided check` tells which
		return nil, err
	}
	var all []spokenRoutine
	var titles []string
	for _, name := range names {
		if r, err := l.Load(ctx, name); err == nil { // `guided check` reports what is wrong with the others
			all, titles = append(all, spokenRoutine{Name: name}), append(titles, r.Title)
		}
	}
	taken := map[string]bool{"": true}
	add := func(r *spokenRoutine, forms []string) {
		for _, form := range forms {
			if !taken[form] {
				taken[form] = true
				r.Forms = append(r.Forms, form)
			}
		}
	}
	for i := range all {
		add(&all[i], spokenForms(titles[i]))
	}
	for i := range all {
		for _, form := range spokenForms(titles[i]) {
			add(&all[i], shorterForms(form))
		}
		add(&all[i], spokenForms(all[i].Name))
	}
	all = slices.DeleteFunc(all, func(r spokenRoutine) bool { return len(r.Forms) == 0 })
	if len(all) == 0 {
		return nil, routines.ErrNoRoutines
	}
	return all, nil
}

// shorterForms are a form without what people leave out: an ending that the sentence around it has too, and the plural
// of stretches.
func shorterForms(form string) []string {
	for _, ending := range []string{" routine", " exercise", " session"} {
		if rest, is := strings.CutSuffix(form, ending); is {
			return []string{rest}
		}
	}
	if rest, is := strings.CutSuffix(form, " stretches"); is {
		return []string{rest + " stretch"}
	}
	return nil
}
