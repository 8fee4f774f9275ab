package mqtt

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"guided/homeassistant"
)

// Config says which broker, who we are there, and under which topics.
type Config struct {
	Node         string `toml:"-"`             // our level of the topics; the program's own name for this place
	Broker       string `toml:"broker"`        // mqtt://host:1883, mqtts://, ws://, wss://; "" is the embedded one
	User         string `toml:"user"`          //
	Password     string `toml:"password"`      //
	PasswordFile string `toml:"password_file"` // read anew at every connect
	CAFile       string `toml:"ca_file"`       // for mqtts and wss: who signed the broker's certificate; "" is the system's list
	CertFile     string `toml:"cert_file"`     // for brokers that ask who we are: our certificate, and
	KeyFile      string `toml:"key_file"`      // its key; both are read anew at every connect
	Prefix       string `toml:"prefix"`        // the levels above the node, most often "guided"
	Page         string `toml:"-"`             // the address of our page, as others in the house reach it; "" for none
	ID           string `toml:"-"`             // random, made once and stored: the client id is "guided-" + ID
	Memory       string `toml:"-"`             // the file that keeps what we left with brokers; "" keeps nothing

	HomeAssistant homeassistant.Config `toml:"-"`
}

// announces tells whether discovery is published. The device must have an identity that outlives every name.
func (c Config) announces() bool { return c.HomeAssistant.Discovery && c.ID != "" }

func (c Config) device() homeassistant.Device {
	return homeassistant.Device{ID: c.ID, Name: c.HomeAssistant.Name, Page: c.Page, Topic: c.place().node}
}

// retained lists the topics on which the broker keeps something of ours.
func (c Config) retained() []string {
	p := c.place()
	topics := []string{p.node + "/status", p.node + "/state", p.node + "/info"}
	if c.announces() {
		topics = append(topics, c.HomeAssistant.DeviceTopic(c.ID))
	}
	return topics
}

// clientID must be the same at every start and differ between installations: two clients with one id throw each
// other out for ever.
func (c Config) clientID() string {
	if c.ID == "" {
		return "guided-" + c.Node
	}
	return "guided-" + c.ID
}

// login is read at every connect, so that a mended password file needs no restart.
func (c Config) login() (user, password string, err error) {
	if c.PasswordFile == "" {
		return c.User, c.Password, nil
	}
	raw, err := os.ReadFile(c.PasswordFile)
	if err != nil {
		return "", "", &secretError{err}
	}
	raw = bytes.TrimRight(raw, "\r\n")
	if len(raw) == 0 {
		return "", "", &secretError{fmt.Errorf("%s is empty", c.PasswordFile)}
	}
	return c.User, string(raw), nil
}

// A secretError means that the password or the authority could not be read from its file.
type secretError struct{ error }

func (e *secretError) Unwrap() error { return e.error }

// server is the broker's address as paho takes it, with the scheme's usual port.
func (c Config) server() (*url.URL, error) {
	if c.Broker == "" {
		return nil, errors.New("no broker is named")
	}
	u, err := url.Parse(c.Broker)
	if err != nil {
		// The parser's text may hold a password given in the address; ours does not.
		return nil, errors.New("it cannot be read as an address")
	}
	port, known := ports(u.Scheme)
	switch {
	case !known && !strings.Contains(c.Broker, "://"):
		return nil, errors.New("it has no scheme")
	case !known:
		return nil, fmt.Errorf("%q is not a way to talk to a broker", u.Scheme)
	case u.Hostname() == "":
		return nil, errors.New("it names no host")
	}
	if u.Port() == "" {
		u.Host += ":" + port
	}
	return u, nil
}

func ports(scheme string) (port string, known bool) {
	switch scheme {
	case "mqtt", "tcp":
		return "1883", true
	case "mqtts", "ssl":
		return "8883", true
	case "ws":
		return "80", true
	case "wss":
		return "443", true
	}
	return "", false
}
