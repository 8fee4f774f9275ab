package routines

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
)

// Problem is one thing that is wrong with a routine.
type Problem struct {
	File string
	Line int    // 0: the file as a whole
	Step string // such as `step 3 "Left side"`, or empty
	What string // what is wrong and what to do
}

func (p Problem) String() string {
	s := p.File
	if p.Line > 0 {
		s += fmt.Sprintf(":%d", p.Line)
	}
	if p.Step != "" {
		s += ": " + p.Step
	}
	return s + ": " + p.What
}

// Problems is everything that is wrong with a routine, in the order of the lines.
type Problems []Problem

// Error has one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// sorted puts the problems in the order of their lines, and the files in the order of their first problems.
func (ps Problems) sorted() Problems {
	order := map[string]int{}
	for _, p := range ps {
		if _, known := order[p.File]; !known {
			order[p.File] = len(order)
		}
	}
	sort.SliceStable(ps, func(i, j int) bool {
		if a, b := order[ps[i].File], order[ps[j].File]; a != b {
			return a < b
		}
		return ps[i].Line < ps[j].Line
	})
	return ps
}

// Nearest is the one of names that word was probably meant to be, or "". It ignores case, and at most a third of the
// letters may be wrong. To build a hint use DidYouMean.
func Nearest(word string, names []string) string {
	if len(word) > 100 {
		return ""
	}
	word = strings.ToLower(word)
	best, found := math.MaxInt, ""
	for _, name := range names {
		limit := min(best-1, max(1, max(len(word), len(name))/3))
		if name == "" || max(len(word)-len(name), len(name)-len(word)) > 4*limit { // a letter has at most four bytes
			continue
		}
		if d := distance(word, strings.ToLower(name), limit); d <= limit {
			best, found = d, name
		}
	}
	return found
}

// DidYouMean is the hint for an unknown word, to be appended to its error: the nearest of names, else all of them. It is
// never empty and never suggests an empty name.
func DidYouMean(word string, names []string) string {
	if near := Nearest(word, names); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == "" })
	if len(names) == 0 {
		return "there is none"
	}
	return "use one of " + strings.Join(names, ", ")
}

// distance is the optimal string alignment distance, a form of Damerau-Levenshtein: an insertion, a deletion, a
// substitution and a swap of neighbours cost one each. Beyond limit it is some number above limit.
func distance(a, b string, limit int) int {
	x, y := []rune(a), []rune(b)
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		before, last, row = last, row, before
		row[0] = i + 1
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		if slices.Min(row) > limit && slices.Min(last) > limit {
			return limit + 1 // it only grows from here
		}
	}
	return row[len(y)]
}
