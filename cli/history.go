package cli

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
	"unicode"

	"golang.org/x/term"

	"guided/config"
	"guided/history"
	"guided/player"
)

// findHistory is the history of this user's daemon, or where there is none that of the packaged service.
func (p *process) findHistory() string { return p.findState(history.FileName) }

// openHistory is the history of a daemon.
func openHistory(file string, c config.Config, log *slog.Logger) *history.Keeper {
	k := history.NewKeeper(file, c.Zone(), log)
	keepHistory(k, c, log)
	return k
}

// keepHistory has what is done be kept or not, as the settings say.
func keepHistory(k *history.Keeper, c config.Config, log *slog.Logger) {
	k.Keep(c.History.Keep)
	if _, err := os.Stat(k.File()); err == nil && !c.History.Keep {
		log.Info("no history is kept, and that of before is still there; to delete it: guided history --delete", "file", k.File())
	}
}

// runWithHistory runs the player, and the keeper until it has written what the player did last.
func runWithHistory(ctx context.Context, play *player.Player, kept *history.Keeper) {
	keeping, end := context.WithCancel(context.WithoutCancel(ctx))
	var keeper sync.WaitGroup
	keeper.Go(func() { kept.Run(keeping) })
	play.Run(ctx)
	end()
	keeper.Wait()
}

// checkHistory reads the history.
func (p *process) checkHistory(c config.Config) (string, error) {
	if !c.History.Keep {
		return "none is kept", nil
	}
	file, sessions := p.findHistory(), 0
	damage, err := history.ReadFile(file, func(player.Record) { sessions++ })
	switch {
	case errors.Is(err, fs.ErrPermission):
		return file + " is another user's", nil
	case err != nil:
		return "", err
	case damage.Lines > 0:
		return "", fmt.Errorf("%d of the lines of %s cannot be read, line %d first; they are passed over, and the %d sessions of the others count. Remove them to have this check good again", damage.Lines, file, damage.First, sessions)
	}
	return fmt.Sprintf("%d sessions, in %s", sessions, file), nil
}

type historyCommand struct {
	Days   int  `help:"Only the last N days, of which the last is today; without it a chart of two weeks, or all sessions as JSON or CSV." placeholder:"N"`
	CSV    bool `help:"Print the sessions as CSV." name:"csv"`
	Delete bool `help:"Delete it, for good."`
	Yes    bool `help:"Delete it without a question."`
}

// How much is shown on a terminal.
const (
	chartDays    = 14
	chartWidth   = 40 // columns of the longest bar
	shownRecords = 5
	maxDays      = 36_600 // a century
)

// Run shows or deletes the history. It reads the file, so it needs no daemon.
func (o *historyCommand) Run(p *process) error {
	switch {
	case o.Days < 0 || o.Days > maxDays:
		return fmt.Errorf("--days %d: use a number from 1 to %d", o.Days, maxDays)
	case o.Yes && !o.Delete:
		return errors.New("--yes goes with --delete")
	case o.Delete && (o.CSV || p.json || o.Days > 0):
		return errors.New("--delete deletes all of it, and shows nothing")
	}
	c, err := p.settings()
	if err != nil {
		return err
	}
	file := p.findHistory()
	if o.Delete {
		return o.deleteFile(p, c, file)
	}
	now := time.Now()
	sums := history.NewSums(c.Zone())
	damage, err := history.ReadFile(file, sums.Add)
	if err != nil {
		return forOtherUser(err)
	}
	if damage.Lines > 0 {
		fmt.Fprintf(p.stderr, "guided: %d lines of %s cannot be read, line %d first; they are passed over\n", damage.Lines, file, damage.First)
	}
	switch {
	case o.CSV:
		return o.printCSV(p.stdout, file, c.Zone(), now)
	case p.json:
		return o.printJSON(p.stdout, sums, file, c.Zone(), now)
	}
	return o.printChart(p.stdout, sums, c, now)
}

// forOtherUser says what to do where the history is another user's.
func forOtherUser(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w; it is that of the user who runs the daemon: use sudo", err)
	}
	return err
}

// deleteFile deletes the history, and tells the daemon, if one answers, so that its sums begin anew.
func (o *historyCommand) deleteFile(p *process, c config.Config, file string) error {
	sessions := 0
	if _, err := history.ReadFile(file, func(player.Record) { sessions++ }); err != nil {
		return forOtherUser(err)
	}
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		_, err := fmt.Fprintln(p.stdout, "there is no history to delete")
		return err
	}
	if !o.Yes {
		if !term.IsTerminal(int(os.Stdin.Fd())) {
			return errors.New("nobody is here to be asked; to delete it without a question, add --yes")
		}
		fmt.Fprintf(p.stdout, "Delete %d sessions for good? [y/N] ", sessions)
		answer, _ := bufio.NewReader(os.Stdin).ReadString('\n')
		if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
			return errors.New("nothing was deleted")
		}
	}
	if err := history.Delete(file); err != nil {
		return forOtherUser(err)
	}
	fmt.Fprintf(p.stdout, "%d sessions are deleted\n", sessions)
	if !c.History.Keep {
		return nil
	}
	if _, err := p.ask("status"); err != nil {
		fmt.Fprintln(p.stdout, "no daemon answers; one that runs notices at its next session")
	}
	return nil
}

// eachRecord calls each for the records of the days asked for.
func (o *historyCommand) eachRecord(file string, zone *time.Location, now time.Time, each func(player.Record)) error {
	var from time.Time
	if o.Days > 0 {
		y, m, d := now.In(zone).Date()
		from = time.Date(y, m, d-o.Days+1, 0, 0, 0, 0, zone)
	}
	_, err := history.ReadFile(file, func(r player.Record) {
		if !r.Started.Before(from) {
			each(r)
		}
	})
	return err
}

// printCSV prints the sessions, in the order in which they were written, with the times of the zone.
func (o *historyCommand) printCSV(w io.Writer, file string, zone *time.Location, now time.Time) error {
	out := csv.NewWriter(w)
	_ = out.Write([]string{"started", "ended", "routine", "title", "heard_s", "breaths", "reps", "finished", "step_number", "steps", "step", "side", "reason", "from"})
	err := o.eachRecord(file, zone, now, func(r player.Record) {
		_ = out.Write([]string{
			r.Started.In(zone).Format(time.RFC3339), r.Ended.In(zone).Format(time.RFC3339), harmless(r.Routine), harmless(r.Title),
			strconv.FormatFloat(r.Heard, 'f', -1, 64), strconv.Itoa(r.Breaths), strconv.Itoa(r.Reps), strconv.FormatBool(r.Finished),
			strconv.Itoa(r.Number), strconv.Itoa(r.Steps), harmless(r.Step), r.Side, harmless(r.Reason), harmless(r.From),
		})
	})
	out.Flush()
	return errors.Join(err, out.Error())
}

// harmless is a text that no spreadsheet takes for a formula.
func harmless(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

// printJSON prints an object with the summary, the days and the sessions, one record at a time.
func (o *historyCommand) printJSON(w io.Writer, sums *history.Sums, file string, zone *time.Location, now time.Time) error {
	out := bufio.NewWriter(w)
	n := o.Days
	if n == 0 {
		n = chartDays
	}
	summary, err := json.Marshal(sums.Summary(now))
	days, daysErr := json.Marshal(sums.Days(now, n))
	if err := errors.Join(err, daysErr); err != nil {
		return err
	}
	fmt.Fprintf(out, "{\n  \"summary\": %s,\n  \"days\": %s,\n  \"records\": [", summary, days)
	comma := ""
	err = o.eachRecord(file, zone, now, func(r player.Record) {
		record, recordErr := json.Marshal(r)
		if recordErr == nil { // a record that was read can be written
			fmt.Fprintf(out, "%s\n    %s", comma, record)
			comma = ","
		}
	})
	fmt.Fprint(out, "\n  ]\n}\n")
	return errors.Join(err, out.Flush())
}

// printChart prints the minutes a day as bars, the sums, and the last sessions.
func (o *historyCommand) printChart(w io.Writer, sums *history.Sums, c config.Config, now time.Time) error {
	s := sums.Summary(now)
	if s.Sessions == 0 {
		says := "nothing has been done yet; each session of which something is heard will be here"
		if !c.History.Keep {
			says = "no history is kept; set history.keep = true"
		}
		_, err := fmt.Fprintln(w, says)
		return err
	}
	n := o.Days
	if n == 0 {
		n = chartDays
	}
	days := sums.Days(now, n)
	longest := 0.0
	for _, d := range days {
		longest = math.Max(longest, d.Minutes)
	}
	out := bufio.NewWriter(w)
	for _, d := range days {
		at, _ := time.Parse(time.DateOnly, d.Date) // it was made by Days
		line := at.Format("Mon _2 Jan")
		if d.Sessions > 0 {
			line = fmt.Sprintf("%s  %s %s min", line, minutesBar(d.Minutes, longest), formatMinutes(d.Minutes))
		}
		fmt.Fprintln(out, line)
	}
	fmt.Fprintf(out, "\n%s without a gap, %s at most\n", count(s.Streak, "day"), count(s.LongestStreak, "day"))
	fmt.Fprintf(out, "today %s min, in all %s min in %s, %s and %s\n\n", formatMinutes(s.TodayMinutes), formatMinutes(s.Minutes),
		count(s.Sessions, "session"), count(s.Breaths, "breath"), count(s.Reps, "rep"))
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, r := range sums.Recent(shownRecords) {
		how := "finished"
		if !r.Finished {
			how = fmt.Sprintf("%s, at step %d of %d", r.Reason, r.Number, r.Steps)
		}
		fmt.Fprintf(t, "%s\t%s\t%s min\t%s\n", r.Started.In(c.Zone()).Format("Mon _2 Jan 15:04"), printable(r.Title), formatMinutes(r.Heard/60), printable(how))
	}
	return errors.Join(t.Flush(), out.Flush())
}

// minutesBar is so many of the most minutes as a bar, with at least a sliver of one.
func minutesBar(minutes, most float64) string {
	const full, parts = "█", "▏▎▍▌▋▊▉"
	eighths := 1
	if most > 0 {
		eighths = max(1, int(math.Round(minutes/most*chartWidth*8)))
	}
	text := strings.Repeat(full, eighths/8)
	if rest := eighths % 8; rest > 0 {
		text += string([]rune(parts)[rest-1])
	}
	return text
}

// formatMinutes is minutes, with a tenth where there are few.
func formatMinutes(m float64) string {
	if m < 10 && m != math.Trunc(m) {
		return strconv.FormatFloat(m, 'f', 1, 64)
	}
	return strconv.FormatFloat(m, 'f', 0, 64)
}

// count is a number with the word for what it counts.
func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// printable is a text in which no terminal finds a command.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}
