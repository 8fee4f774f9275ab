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

// A failure is a reason for being without a broker, as the user must know it.
type failure struct {
	what string // constant: it is the log line, and tells kinds apart
	hint string // what to do about it
}

// diagnose finds the reason. Every trouble is tried again for ever, also those that somebody must mend first.
func diagnose(err error) failure {
	var (
		secret  *credentialsError
		refused *subscribeRefusedError
		name    *net.DNSError
		stale   x509.CertificateInvalidError
		unknown x509.UnknownAuthorityError
		host    x509.HostnameError
	)
	switch {
	case errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword), errors.Is(err, packets.ErrorRefusedNotAuthorised):
		return failure{"broker refuses our login", "compare user and password_file in [mqtt] with the broker's own list (mosquitto_passwd); a mended one is taken without a restart"}
	case errors.Is(err, packets.ErrorRefusedIDRejected), errors.Is(err, packets.ErrorRefusedBadProtocolVersion):
		return failure{"broker refuses our kind of connection", "look into the broker's log for why it refuses MQTT 3.1.1 or this client id"}
	case refusesCertificate(err):
		return failure{"broker refuses our certificate", "name a certificate that its cafile knows, and its key, as cert_file and key_file in [mqtt]"}
	case errors.As(err, &secret):
		return failure{"broker login cannot be read", "mend the file, or password_file, ca_file, cert_file and key_file in [mqtt]; it is read anew at every try"}
	case errors.As(err, &refused):
		return failure{"broker refuses our topics", "allow this user to read and write the topics under prefix and node in the broker's acl_file"}
	case errors.As(err, &stale) && stale.Reason == x509.Expired:
		return failure{"broker certificate is out of date", "look whether this machine's clock is right (timedatectl), then when the certificate ends"}
	case errors.As(err, &unknown):
		return failure{"broker certificate is signed by a stranger", "name the PEM file of who signed it as ca_file in [mqtt]"}
	case errors.As(err, &host):
		return failure{"broker certificate is for another name", "give broker in [mqtt] the name that the certificate bears"}
	case errors.As(err, &name):
		return failure{"broker away", "its name is not known here; look for a slip in broker in [mqtt], or write its IP address"}
	case errors.Is(err, syscall.ECONNREFUSED):
		return failure{"broker away", "nothing listens there; look whether the broker runs (systemctl status mosquitto) and on which address"}
	}
	return failure{"broker away", "nothing to do if it is only restarting; else look at the network and the broker's log"}
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
	log      *slog.Logger
	broker   string
	reported []string // what was said since the broker was last there
}

func (r *reporter) disconnected(err error, hint string) {
	t := diagnose(err)
	for _, what := range r.reported {
		if what == t.what {
			return
		}
	}
	r.reported = append(r.reported, t.what)
	if hint == "" {
		hint = t.hint
	}
	r.log.Warn(t.what, "broker", r.broker, "error", err, "hint", hint)
}

func (r *reporter) connected() {
	word := "broker connected"
	if len(r.reported) > 0 {
		word = "broker back"
	}
	r.reported = nil
	r.log.Info(word, "broker", r.broker)
}
