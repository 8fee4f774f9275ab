package mqtt

import (
	"context"
	"errors"
)

// Checks asks the goroutine that carries out the urgent commands whether it works. A broker that is away is no fault of it.
type Checks chan chan struct{}

// Ask returns nil once the goroutine has answered, or an error when ctx ends before.
func (c Checks) Ask(ctx context.Context) error {
	answer := make(chan struct{})
	select {
	case c <- answer:
	case <-ctx.Done():
		return errors.New("commands over MQTT are not carried out")
	}
	<-answer
	return nil
}
