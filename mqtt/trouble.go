package mqtt

import (
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"strings"
	"syscall"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// A trouble is a reason for being without a broker, as the user must know it.
type trouble struct {
	what string // constant: it is the log line, and tells kinds apart
	hint string // what to do about it
}

// explain finds the reason. Every trouble is tried again for ever, also those that somebody must mend first.
func explain(err error) trouble {
	var (
		secret  *secretError
		refused *refusedError
		name    *net.DNSError
		stale   x509.CertificateInvalidError
		unknown x509.UnknownAuthorityError
		host    x509.HostnameError
	)
	switch {
	case errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword), errors.Is(err, packets.ErrorRefusedNotAuthorised):
		return trouble{"broker refuses our login", "compare user and password_file in [mqtt] with the broker's own list (mosquitto_passwd); a mended one is taken without a restart"}
	case errors.Is(err, packets.ErrorRefusedIDRejected), errors.Is(err, packets.ErrorRefusedBadProtocolVersion):
		return trouble{"broker refuses our kind of connection", "look into the broker's log for why it refuses MQTT 3.1.1 or this client id"}
	case refusesCertificate(err):
		return trouble{"broker refuses our certificate", "name a certificate that its cafile knows, and its key, as cert_file and key_file in [mqtt]"}
	case errors.As(err, &secret):
		return trouble{"broker login cannot be read", "mend the file, or password_file, ca_file, cert_file and key_file in [mqtt]; it is read anew at every try"}
	case errors.As(err, &refused):
		return trouble{"broker refuses our topics", "allow this user to read and write the topics under prefix and node in the broker's acl_file"}
	case errors.As(err, &stale) && stale.Reason == x509.Expired:
		return trouble{"broker certificate is out of date", "look whether this machine's clock is right (timedatectl), then when the certificate ends"}
	case errors.As(err, &unknown):
		return trouble{"broker certificate is signed by a stranger", "name the PEM file of who signed it as ca_file in [mqtt]"}
	case errors.As(err, &host):
		return trouble{"broker certificate is for another name", "give broker in [mqtt] the name that the certificate bears"}
	case errors.As(err, &name):
		return trouble{"broker away", "its name is not known here; look for a slip in broker in [mqtt], or write its IP address"}
	case errors.Is(err, syscall.ECONNREFUSED):
		return trouble{"broker away", "nothing listens there; look whether the broker runs (systemctl status mosquitto) and on which address"}
	}
	return trouble{"broker away", "nothing to do if it is only restarting; else look at the network and the broker's log"}
}

// refusesCertificate tells whether the broker would not take the certificate that we showed, or wants one. Go tells
// the alerts of TLS by their text only.
func refusesCertificate(err error) bool {
	var remote *net.OpError
	if !errors.As(err, &remote) || remote.Op != "remote error" {
		return false
	}
	why := remote.Err.Error()
	return strings.Contains(why, "certificate") || strings.Contains(why, "decrypt") // the latter: one signed by a namesake
}

// A reporter tells each change once: that the broker is away, and why, and that it is back. Not every try.
type reporter struct {
	log    *slog.Logger
	broker string
	told   []string // what was said since the broker was last there
}

func (r *reporter) away(err error, hint string) {
	t := explain(err)
	for _, what := range r.told {
		if what == t.what {
			return
		}
	}
	r.told = append(r.told, t.what)
	if hint == "" {
		hint = t.hint
	}
	r.log.Warn(t.what, "broker", r.broker, "error", err, "hint", hint)
}

func (r *reporter) back() {
	word := "broker connected"
	if len(r.told) > 0 {
		word = "broker back"
	}
	r.told = nil
	r.log.Info(word, "broker", r.broker)
}
