package mqtt

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"unicode"

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
	return homeassistant.Device{ID: c.ID, Name: c.HomeAssistant.Name, Page: c.Page, Topic: c.topics().node}
}

// retainedTopics lists the topics on which the broker keeps something of ours.
func (c Config) retainedTopics() []string {
	p := c.topics()
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

// credentials is read at every connect, so that a mended password file needs no restart.
func (c Config) credentials() (user, password string, err error) {
	if c.PasswordFile == "" {
		return c.User, c.Password, nil
	}
	raw, err := os.ReadFile(c.PasswordFile)
	if err != nil {
		return "", "", &credentialsError{err}
	}
	raw = bytes.TrimRight(raw, "\r\n")
	if len(raw) == 0 {
		return "", "", &credentialsError{fmt.Errorf("%s is empty", c.PasswordFile)}
	}
	return c.User, string(raw), nil
}

// A credentialsError means that the password or the authority could not be read from its file.
type credentialsError struct{ error }

func (e *credentialsError) Unwrap() error { return e.error }

// serverURL is the broker's address as paho takes it, with the scheme's usual port.
func (c Config) serverURL() (*url.URL, error) {
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

// Check reports everything that is wrong with c at once, each with what to do about it. It looks at the files c
// names, and never at the network.
func (c Config) Check() []string {
	return append(c.checkValues(), c.checkCredentials()...)
}

// checkValues is what can be said without looking at any file.
func (c Config) checkValues() []string {
	var wrong []string
	if c.Broker != "" {
		wrong = append(wrong, c.checkAddress()...)
	}
	if why := levelProblem(c.Node); why != "" {
		wrong = append(wrong, fmt.Sprintf("node: %q %s; use letters, digits, - and _, such as \"mat\"", c.Node, why))
	} else if c.Node == "all" {
		wrong = append(wrong, "node: \"all\" is the address of every node at once; choose another name, such as \"mat\"")
	}
	wrong = append(wrong, checkTopic("mqtt.prefix", c.Prefix, "use \"guided\" or \"home/guided\"", "guided")...)
	if h := c.HomeAssistant; h.Discovery {
		wrong = append(wrong, checkTopic("homeassistant.prefix", h.Prefix,
			"use the discovery prefix of Home Assistant's MQTT settings, most often \"homeassistant\"", "homeassistant")...)
	}
	return append(wrong, c.HomeAssistant.Check()...)
}

// checkTopic reports why the setting cannot be the beginning of topics.
func checkTopic(setting, prefix, hint, usual string) []string {
	var wrong []string
	for l := range strings.SplitSeq(prefix, "/") {
		if why := levelProblem(l); why != "" {
			wrong = append(wrong, fmt.Sprintf("%s: %q: the level %q %s; %s", setting, prefix, l, why, hint))
			break
		}
	}
	if strings.HasPrefix(prefix, "$") {
		wrong = append(wrong, fmt.Sprintf("%s: topics that begin with $ belong to the broker; use %q", setting, usual))
	}
	return wrong
}

func (c Config) checkAddress() []string {
	u, err := c.serverURL()
	if err != nil {
		return []string{fmt.Sprintf("mqtt.broker: %v; write mqtt://HOST:1883, mqtts://HOST:8883, ws://HOST/PATH or wss://HOST/PATH, or \"\" for the embedded broker", err)}
	}
	var wrong []string
	if u.User != nil {
		wrong = append(wrong, "mqtt.broker: a user or password in the address ends up in logs; put them in user and password_file")
	}
	if plain := u.Scheme == "mqtt" || u.Scheme == "tcp" || u.Scheme == "ws"; plain && isPublic(u.Hostname()) {
		wrong = append(wrong, fmt.Sprintf("mqtt.broker: %s is on the internet, and %s:// is readable by everyone on the way; use mqtts:// or wss://", u.Hostname(), u.Scheme))
	}
	return wrong
}

// isPublic knows IPv4 addresses only: a name can be anything, and homes have IPv6 addresses of the whole internet.
func isPublic(host string) bool {
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.Is4() {
		return false
	}
	vpn := netip.MustParsePrefix("100.64.0.0/10") // Tailscale and its like
	return !ip.IsPrivate() && !ip.IsLoopback() && !ip.IsLinkLocalUnicast() && !vpn.Contains(ip)
}

func (c Config) checkCredentials() []string {
	var wrong []string
	if c.Password != "" && c.PasswordFile != "" {
		wrong = append(wrong, "mqtt.password and mqtt.password_file are both set; keep one of them, best the file")
	}
	if c.User == "" && (c.Password != "" || c.PasswordFile != "") {
		wrong = append(wrong, "mqtt.user is missing; a broker takes no password without a user")
	}
	if c.PasswordFile != "" {
		if _, _, err := c.credentials(); err != nil {
			wrong = append(wrong, fmt.Sprintf("mqtt.password_file: %v; write the password into it, readable by the user guided runs as", err))
		}
	}
	if c.CAFile != "" {
		if _, err := os.Stat(c.CAFile); err != nil {
			wrong = append(wrong, fmt.Sprintf("mqtt.ca_file: %v; name the PEM file of who signed the broker's certificate, or leave it out", err))
		}
	}
	switch u, err := c.serverURL(); {
	case (c.CertFile == "") != (c.KeyFile == ""):
		wrong = append(wrong, "mqtt.cert_file and mqtt.key_file belong together; give both, or neither")
	case c.CertFile == "":
	case err == nil && u.Scheme != "mqtts" && u.Scheme != "ssl" && u.Scheme != "wss":
		wrong = append(wrong, fmt.Sprintf("mqtt.cert_file: a certificate is not shown over %s://; use mqtts:// or wss://", u.Scheme))
	default:
		if _, err := c.certificate(); err != nil {
			wrong = append(wrong, fmt.Sprintf("mqtt.cert_file: %v; name our certificate and its key as PEM files, readable by the user guided runs as", err))
		}
	}
	return wrong
}

// levelProblem says why s cannot be one level of a topic, or nothing.
func levelProblem(s string) string {
	switch {
	case s == "":
		return "is empty"
	case strings.ContainsAny(s, "+#"):
		return "has a + or #, which mean \"any topic\""
	case strings.Contains(s, "/"):
		return "has a /"
	case strings.ContainsFunc(s, unicode.IsSpace):
		return "has a space"
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar }):
		return "has a character that topics cannot hold"
	}
	return ""
}
