package voice

import (
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"

	"guided/routines"
)

// job is a text to be spoken, and the file it goes to.
type job struct {
	Recipe
	file string
}

// wanted are the recipes of the texts and of those that have one, each text once, by voice: a server loads one at a
// time.
func (b *Builder) wanted(texts []string) []Recipe {
	texts = slices.Clone(texts)
	for _, r := range b.recipes {
		texts = append(texts, r.Text)
	}
	sort.Strings(texts)
	var list []Recipe
	seen := map[string]bool{}
	for _, text := range texts {
		key := textKeys(text)[0]
		if seen[key] {
			continue
		}
		seen[key] = true
		r := b.recipes[key]
		r.Text = text
		list = append(list, r)
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].Voice < list[j].Voice })
	return list
}

// missing are the jobs that are to be done.
func (b *Builder) missing(wanted []Recipe) ([]job, error) {
	have, taken := map[string]string{}, map[string]bool{} // file by key, and every file
	for _, c := range b.index.Clips {
		have[textKeys(c.Text)[0]] = c.File
		taken[c.File] = true
	}
	again := map[string]bool{}
	for _, text := range b.Again {
		key := textKeys(text)[0]
		if !slices.ContainsFunc(wanted, func(r Recipe) bool { return textKeys(r.Text)[0] == key }) {
			return nil, fmt.Errorf("%q is not a text of this voice%s", text, nearText(text, wanted))
		}
		again[key] = true
	}
	var jobs []job
	for _, r := range wanted {
		key := textKeys(r.Text)[0]
		file, has := have[key]
		if has && !again[key] {
			continue
		}
		if textKeys(r.Text)[1] == "" {
			return nil, fmt.Errorf("%q has no word in it to be spoken", r.Text)
		}
		if !has {
			file = fileFor(r.Text, taken)
			taken[file] = true
		}
		jobs = append(jobs, job{r, file})
	}
	return jobs, nil
}

func nearText(text string, wanted []Recipe) string {
	var texts []string
	for _, r := range wanted {
		texts = append(texts, r.Text)
	}
	if near := routines.Nearest(text, texts); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

// fileFor names a recording by its text, so that a changed text changes one file.
func fileFor(text string, taken map[string]bool) string {
	name := regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(text), "-")
	name = strings.Trim(name, "-")
	if strings.HasSuffix(text, ",") {
		name += "-"
	}
	if len(name) > 60 {
		name = name[:60]
	}
	if taken[name+".opus"] {
		name += "-" + cacheKey(text)[:6]
	}
	return name + ".opus"
}
