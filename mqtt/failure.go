package mqtt

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"slices"
	"strings"
	"syscall"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// A failure is why there is no connection to the broker, in words for the user.
type failure struct {
	what string // the log message, the same for all failures of a kind
	hint string // what to do about it
}

// wrap is err with the words for the user.
func (f failure) wrap(broker string, err error) error {
	return fmt.Errorf("%s (%s): %w; %s", f.what, broker, err, f.hint)
}

// diagnose finds the failure behind an error. The connection is tried again after every failure, also after one that the
// user must mend first.
func diagnose(err error) failure {
	var (
		credentials *credentialsError
		refused     *subscribeRefusedError
		lookup      *net.DNSError
		invalid     x509.CertificateInvalidError
		unknown     x509.UnknownAuthorityError
		host        x509.HostnameError
		closedAt    *closedAtError
		noMarker    *markerError
		noTLS       tls.RecordHeaderError
	)
	switch {
	case errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword), errors.Is(err, packets.ErrorRefusedNotAuthorised):
		return failure{"broker refuses our login", "compare user and password_file in [mqtt] with the broker's own list (mosquitto_passwd); a mended one is taken without a restart"}
	case errors.Is(err, packets.ErrorRefusedIDRejected), errors.Is(err, packets.ErrorRefusedBadProtocolVersion):
		return failure{"broker refuses our kind of connection", "look into the broker's log for why it refuses MQTT 3.1.1 or this client id"}
	case refusesCertificate(err):
		return failure{"broker refuses our certificate", "name a certificate that its cafile knows, and its key, as cert_file and key_file in [mqtt]"}
	case errors.As(err, &credentials) && errors.Is(err, fs.ErrPermission):
		return failure{"broker login cannot be read", "it is there for another user: use sudo, or let the user who runs guided read the file"}
	case errors.As(err, &credentials):
		return failure{"broker login cannot be read", "mend the file, or password_file, ca_file, cert_file and key_file in [mqtt]; it is read anew at every try"}
	case errors.As(err, &refused), errors.As(err, &noMarker):
		return failure{"broker refuses our topics", "allow this user to read and write the topics under prefix and node in the broker's acl_file"}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return failure{"broker certificate is out of date", "look whether this machine's clock is right (timedatectl), then when the certificate ends"}
	case errors.As(err, &unknown):
		return failure{"broker certificate is signed by a stranger", "name the PEM file of who signed it as ca_file in [mqtt]"}
	case errors.As(err, &host):
		return failure{"broker certificate is for another name", "give broker in [mqtt] the name that the certificate bears"}
	case errors.Is(err, errSilent):
		return failure{"broker does not answer", "something listens there and says nothing; look whether it is the port of the broker (most often 1883; a web server waits for more), and at the broker's log"}
	case errors.As(err, &noTLS), errors.Is(err, errClosedAtTLS):
		return failure{"broker does not speak TLS on this port", "write mqtt:// (or ws://) in place of mqtts:// (or wss://) in broker in [mqtt], or name the port for TLS, most often 8883"}
	case errors.Is(err, errNotMQTT) && strings.Contains(err.Error(), "TLS"):
		return failure{"broker speaks TLS on this port", "write mqtts:// (or wss://) in broker in [mqtt], or name the port without TLS, most often 1883"}
	case errors.Is(err, errNotMQTT):
		return failure{"no broker on this port", "something else listens there; look at the port of broker in [mqtt] (most often 1883), or write ws://HOST:PORT/PATH where the broker listens for websockets"}
	case strings.Contains(err.Error(), "bad handshake"): // paho passes the text of gorilla/websocket on
		return failure{"no websocket at this address", "look at the port and the path of broker in [mqtt]: ws://HOST:9001 or ws://HOST/mqtt, as the broker or its proxy has it"}
	case errors.Is(err, errClosedAtConnect):
		return failure{"broker closes the connection right after CONNECT", "look into the broker's log; it may be the port for TLS or websockets (write mqtts:// or ws://), a broker that is only starting, or one that takes no retained last will (retain_available, max_qos)"}
	case errors.As(err, &closedAt) && !closedAt.chance && closedAt.size == 0:
		return failure{"broker closes the connection at a subscription", "look into the broker's log: its acl_file or a limit of subscriptions may be why"}
	case errors.As(err, &closedAt) && !closedAt.chance:
		return failure{"broker closes the connection at a message", "nothing to do if it was restarted at that moment; else the message may be larger than the broker's max_packet_size: it is left out when that happens again"}
	case errors.As(err, &lookup):
		return failure{"broker away", "this machine does not know its name; look for a slip in broker in [mqtt], install libnss-mdns for names in .local, or write its IP address"}
	case errors.Is(err, syscall.ECONNREFUSED):
		return failure{"broker away", "nothing listens there; look whether the broker runs (systemctl status mosquitto) and on which address"}
	}
	return failure{"broker away", "nothing to do if it is only restarting; else look at the network and the broker's log"}
}

// refusesCertificate tells whether the broker refused the certificate that we showed, or asks for one. crypto/tls gives an
// alert of the other side by its text only.
func refusesCertificate(err error) bool {
	var remote *net.OpError
	if !errors.As(err, &remote) || remote.Op != "remote error" {
		return false
	}
	why := remote.Err.Error()
	return strings.Contains(why, "certificate") || strings.Contains(why, "decrypt") // "decrypt error": signed by another authority of the same name
}

// An outageLog logs the beginning of an outage with its reason, each further reason once, and the end of the outage; not
// every try.
type outageLog struct {
	log      *slog.Logger
	broker   string
	reported []string // failures of the present outage
}

func (o *outageLog) disconnected(err error, hint string) {
	f := diagnose(err)
	if slices.Contains(o.reported, f.what) {
		return
	}
	o.reported = append(o.reported, f.what)
	if hint == "" {
		hint = f.hint
	}
	o.log.Warn(f.what, "broker", o.broker, "error", err, "hint", hint)
}

func (o *outageLog) connected() {
	what := "broker connected"
	if len(o.reported) > 0 {
		what = "broker back"
	}
	o.reported = nil
	o.log.Info(what, "broker", o.broker)
}
