package cli

import (
	"guided/history"
	"guided/history/place"
	"guided/player"
)

// maxUntoldCommands is how many commands the satellite may be behind before it misses some.
const maxUntoldCommands = 16

// userCommands is the one way by which the commands of people reach the player, whatever remote they come from: MQTT, the
// page, the API, keys. Who undoes on his own what he did, as the satellite does, hears of them here.
type userCommands struct {
	play  *player.Player
	kept  *history.Keeper // nil: none
	place *place.Keeper   // nil: nothing is kept over a restart
	verbs chan string     // those that were carried out
}

func newUserCommands(play *player.Player, kept *history.Keeper, lost *place.Keeper) userCommands {
	return userCommands{play, kept, lost, make(chan string, maxUntoldCommands)}
}

// do carries out what a parser returned. It never waits for who hears of it. What was ended is answered when the next
// process would know that too: whoever pulls the plug after a stop is not to hear the routine again.
func (u userCommands) do(c player.Command, err error) player.Response {
	r := u.play.DoParsed(c, err)
	if r.Command == "status" && u.kept != nil { // it tells anew what there is, the history too
		u.kept.Refresh()
	}
	u.settle(r)
	u.tell(r)
	return r
}

// submit carries out a command of somebody who does not wait for the response. What was ended is kept as soon as with do.
func (u userCommands) submit(c player.Command) {
	u.play.Submit(c, func(r player.Response) {
		u.settle(r)
		u.tell(r)
	})
}

// settle waits until the next process would know of a session that a command has ended.
func (u userCommands) settle(r player.Response) {
	ends := r.Command == "stop" || r.Command == "start" || r.Command == "snooze"
	if r.Status == "ok" && ends && u.place != nil {
		u.place.Settle()
	}
}

func (u userCommands) tell(r player.Response) {
	if r.Status != "ok" {
		return
	}
	select {
	case u.verbs <- r.Command:
	default: // the satellite is off
	}
}
