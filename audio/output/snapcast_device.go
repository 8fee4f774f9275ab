package output

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// snapcastDevice is an open source. The server takes a chunk every 20 ms from the first on, and where one has not come
// it starts anew with the next (AsioStream::do_read). So we keep time by our own clock, Depth ahead of it, and do not
// catch up with what was missed: that would lie in its queue from then on, and be heard late.
type snapcastDevice struct {
	paced
	output *snapcastOutput
	conn   interface {
		io.WriteCloser
		SetWriteDeadline(time.Time) error
	}
	unhook func() bool
	gaps   int
}

func (d *snapcastDevice) write(ctx context.Context, block []byte) error {
	if d.written == 0 {
		d.output.groups.take(ctx)
	} else if late := d.elapsed() - d.written; late > 0 {
		d.start = d.start.Add(lasting(late))
		d.gaps++
	}
	if err := d.paced.write(ctx, block); err != nil {
		return err
	}
	if err := d.conn.SetWriteDeadline(time.Now().Add(stall)); err != nil {
		return fmt.Errorf("playing to the Snapcast server: %w", err)
	}
	if err := ctx.Err(); err != nil { // the deadline of its end may just have been overwritten
		return err
	}
	_, err := d.conn.Write(block)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("the Snapcast server at %s has taken no sound for %v; restart it", d.output.address, stall)
	}
	return fmt.Errorf("the Snapcast server at %s has gone: %w", d.output.address, err)
}

// delay counts on the server's buffer, which it keeps to the millisecond.
func (d *snapcastDevice) delay() (int, error) {
	return max(0, d.written-d.elapsed()) + d.output.buffer, nil
}

func (d *snapcastDevice) close(int) error {
	d.unhook()
	_ = d.conn.Close() // what the server has not taken is dropped with it
	d.output.groups.giveBack()
	tellGaps(d.output.log, "snapcast:"+d.output.address, d.gaps)
	return nil
}
