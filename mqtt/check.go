package mqtt

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"unicode"
)

// Check reports everything that is wrong with c at once, each with what to do about it. It looks at the files c
// names, and never at the network.
func (c Config) Check() []string {
	return append(c.form(), c.secrets()...)
}

// form is what can be said without looking at any file.
func (c Config) form() []string {
	var wrong []string
	if c.Broker != "" {
		wrong = append(wrong, c.address()...)
	}
	if why := level(c.Node); why != "" {
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
		if why := level(l); why != "" {
			wrong = append(wrong, fmt.Sprintf("%s: %q: the level %q %s; %s", setting, prefix, l, why, hint))
			break
		}
	}
	if strings.HasPrefix(prefix, "$") {
		wrong = append(wrong, fmt.Sprintf("%s: topics that begin with $ belong to the broker; use %q", setting, usual))
	}
	return wrong
}

func (c Config) address() []string {
	u, err := c.server()
	if err != nil {
		return []string{fmt.Sprintf("mqtt.broker: %v; write mqtt://HOST:1883, mqtts://HOST:8883, ws://HOST/PATH or wss://HOST/PATH, or \"\" for the embedded broker", err)}
	}
	var wrong []string
	if u.User != nil {
		wrong = append(wrong, "mqtt.broker: a user or password in the address ends up in logs; put them in user and password_file")
	}
	if plain := u.Scheme == "mqtt" || u.Scheme == "tcp" || u.Scheme == "ws"; plain && public(u.Hostname()) {
		wrong = append(wrong, fmt.Sprintf("mqtt.broker: %s is on the internet, and %s:// is readable by everyone on the way; use mqtts:// or wss://", u.Hostname(), u.Scheme))
	}
	return wrong
}

// public knows IPv4 addresses only: a name can be anything, and homes have IPv6 addresses of the whole internet.
func public(host string) bool {
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.Is4() {
		return false
	}
	vpn := netip.MustParsePrefix("100.64.0.0/10") // Tailscale and its like
	return !ip.IsPrivate() && !ip.IsLoopback() && !ip.IsLinkLocalUnicast() && !vpn.Contains(ip)
}

func (c Config) secrets() []string {
	var wrong []string
	if c.Password != "" && c.PasswordFile != "" {
		wrong = append(wrong, "mqtt.password and mqtt.password_file are both set; keep one of them, best the file")
	}
	if c.User == "" && (c.Password != "" || c.PasswordFile != "") {
		wrong = append(wrong, "mqtt.user is missing; a broker takes no password without a user")
	}
	if c.PasswordFile != "" {
		if _, _, err := c.login(); err != nil {
			wrong = append(wrong, fmt.Sprintf("mqtt.password_file: %v; write the password into it, readable by the user guided runs as", err))
		}
	}
	if c.CAFile != "" {
		if _, err := os.Stat(c.CAFile); err != nil {
			wrong = append(wrong, fmt.Sprintf("mqtt.ca_file: %v; name the PEM file of who signed the broker's certificate, or leave it out", err))
		}
	}
	switch u, err := c.server(); {
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

// level says why s cannot be one level of a topic, or nothing.
func level(s string) string {
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
