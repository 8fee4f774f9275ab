package mqtt

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"unicode"

	"guided/history"
	"guided/homeassistant"
)

// Config is the section [mqtt] of the settings.
type Config struct {
	Broker       string `toml:"broker"`        // mqtt://host:1883, mqtts://, ws://, wss://; "" is the embedded one
	User         string `toml:"user"`          //
	Password     string `toml:"password"`      //
	PasswordFile string `toml:"password_file"` // read at every connect
	CAFile       string `toml:"ca_file"`       // for mqtts and wss: the authority of the broker's certificate; "" is the system's list
	CertFile     string `toml:"cert_file"`     // our client certificate, for brokers that ask for one, and
	KeyFile      string `toml:"key_file"`      // its key; both are read at every connect
	Prefix       string `toml:"prefix"`        // the levels of the topics above the node, most often "guided"
}

// Options are the settings with what the program adds: who it is on the broker.
type Options struct {
	Config
	Node          string // the node's level of the topics
	HomeAssistant homeassistant.Config
	ID            string // random, made once and stored: the client id is "guided-" + ID; "" for none
	Page          string // the address of our web page as others in the network reach it; "" for none
	Embedded      bool   // the broker is the one inside this program
	Values        Values // of others' topics, for whom it may concern
	PublishedFile string // remembers what we published retained; "" remembers nothing

	History      <-chan *history.Summary // the newest summary of what was done, nil while none is kept; a nil channel: never
	KeepsHistory bool                    // one is kept when we begin
	Checks       Checks                  // asks whether commands are still carried out; nil: nobody asks
}

// Values says which topics of others are of interest, and who is told. Neither function may block; a topic without wildcards
// may be one of ours.
type Values struct {
	Topics <-chan []string           // all of them, again whenever they change; nil: none
	Set    func(topic, value string) // of each message; an empty value means that the topic was cleared
	Forget func()                    // the connection is lost: what was told may no longer be so
}

// announces tells whether discovery is published. The device must have an identity that outlives every name.
func (o Options) announces() bool { return o.HomeAssistant.Discovery && o.ID != "" }

func (o Options) device() homeassistant.Device {
	return homeassistant.Device{ID: o.ID, Name: o.HomeAssistant.Name, Page: o.Page, Topic: o.topics().node, History: o.KeepsHistory}
}

// retainedTopics lists the topics on which we publish retained messages.
func (o Options) retainedTopics() []string {
	node := o.topics().node
	topics := []string{node + "/status", node + "/state", node + "/info"}
	if o.History != nil {
		topics = append(topics, node+"/history")
	}
	if o.announces() {
		topics = append(topics, o.HomeAssistant.DeviceTopic(o.ID))
	}
	return topics
}

// clientID is the same at every start and differs between installations: brokers disconnect the older of two clients with
// the same id, so that two daemons would do that to each other for ever.
func (o Options) clientID() string {
	if o.ID == "" {
		return "guided-" + o.Node
	}
	return "guided-" + o.ID
}

// serverURL is the broker's address as paho takes it, with the usual port of its scheme.
func (c Config) serverURL() (*url.URL, error) {
	if c.Broker == "" {
		return nil, errors.New("no broker is named")
	}
	u, err := url.Parse(c.Broker)
	if err != nil {
		// the parser's error may show a password that stands in the address
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

// ports knows the usual port of a scheme.
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

// Check reports everything that is wrong with the settings at once, each with what to do about it. It reads the files that
// they name, and does not use the network.
func (o Options) Check() []string {
	return append(o.checkValues(), o.checkCredentials()...)
}

// checkValues reports what is wrong without reading any file: files may be corrected while we run.
func (o Options) checkValues() []string {
	var wrong []string
	if o.Broker != "" {
		wrong = append(wrong, o.checkAddress()...)
	}
	if why := levelProblem(o.Node); why != "" {
		wrong = append(wrong, fmt.Sprintf("node: %q %s; use letters, digits, - and _, such as \"mat\"", o.Node, why))
	} else if o.Node == "all" {
		wrong = append(wrong, "node: \"all\" is the address of every node at once; choose another name, such as \"mat\"")
	}
	wrong = append(wrong, checkTopic("mqtt.prefix", o.Prefix, "use \"guided\" or \"home/guided\"", "guided")...)
	if h := o.HomeAssistant; h.Discovery {
		wrong = append(wrong, checkTopic("homeassistant.prefix", h.Prefix,
			"use the discovery prefix of Home Assistant's MQTT settings, most often \"homeassistant\"", "homeassistant")...)
	}
	return append(wrong, o.HomeAssistant.Check()...)
}

// usable is checkValues as one error, for a connection that needs a broker.
func (o Options) usable() error {
	wrong := o.checkValues()
	if o.Broker == "" {
		wrong = append(wrong, "mqtt.broker: none is named; start the embedded one first")
	}
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "\n"))
	}
	return nil
}

// checkTopic reports why the prefix in a setting cannot be the beginning of topics, with a hint and the usual prefix.
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

// isPublic tells whether host is an IPv4 address of the internet. Of a name and of an IPv6 address it cannot be told: in
// homes too the latter are global.
func isPublic(host string) bool {
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.Is4() {
		return false
	}
	vpn := netip.MustParsePrefix("100.64.0.0/10") // Tailscale and its like
	return !ip.IsPrivate() && !ip.IsLoopback() && !ip.IsLinkLocalUnicast() && !vpn.Contains(ip)
}

// checkCredentials leaves out a file that this user may not read: only who connects needs it, and is told then.
func (c Config) checkCredentials() []string {
	var wrong []string
	if c.Password != "" && c.PasswordFile != "" {
		wrong = append(wrong, "mqtt.password and mqtt.password_file are both set; keep one of them, best the file")
	}
	if c.User == "" && (c.Password != "" || c.PasswordFile != "") {
		wrong = append(wrong, "mqtt.user is missing; a broker takes no password without a user")
	}
	if c.PasswordFile != "" {
		if _, _, err := c.credentials(); err != nil && !errors.Is(err, fs.ErrPermission) {
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
		if _, err := c.certificate(); err != nil && !errors.Is(err, fs.ErrPermission) {
			wrong = append(wrong, fmt.Sprintf("mqtt.cert_file: %v; name our certificate and its key as PEM files, readable by the user guided runs as", err))
		}
	}
	return wrong
}

// levelProblem says why s cannot be one level of a topic; "" when it can.
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
