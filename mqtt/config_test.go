package mqtt

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guided/homeassistant"
)

func TestOptionsCheck(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(secret, []byte("x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for situation, c := range map[string]struct {
		change func(*Options)
		want   []string // a part of every problem, in order
	}{
		"the defaults":                    {func(c *Options) {}, nil},
		"the embedded broker":             {func(c *Options) { c.Broker = "" }, nil},
		"a name without a port":           {func(c *Options) { c.Broker = "mqtts://broker.example.org" }, nil},
		"a websocket with a path":         {func(c *Options) { c.Broker = "wss://broker.example.org/mqtt" }, nil},
		"an address of the local network": {func(c *Options) { c.Broker = "tcp://192.168.1.2:1883" }, nil},
		"an address of a VPN":             {func(c *Options) { c.Broker = "mqtt://100.101.102.103" }, nil},
		"a prefix of two levels":          {func(c *Options) { c.Prefix = "home/guided" }, nil},
		"a password in its file":          {func(c *Options) { c.User, c.PasswordFile = "u", secret }, nil},
		"no scheme":                       {func(c *Options) { c.Broker = "localhost:1883" }, []string{"mqtt://HOST:1883"}},
		"a host alone":                    {func(c *Options) { c.Broker = "localhost" }, []string{"no scheme"}},
		"a web page":                      {func(c *Options) { c.Broker = "http://localhost" }, []string{`"http"`}},
		"no host":                         {func(c *Options) { c.Broker = "mqtt://:1883" }, []string{"names no host"}},
		"a port that is a word":           {func(c *Options) { c.Broker = "mqtt://localhost:mqtt" }, []string{"cannot be read"}},
		"a password in the address":       {func(c *Options) { c.Broker = "mqtt://u:p@localhost" }, []string{"password_file"}},
		"plain text on the internet":      {func(c *Options) { c.Broker = "mqtt://9.9.9.9" }, []string{"mqtts://"}},
		"a node that is a pattern":        {func(c *Options) { c.Node = "m+t" }, []string{"any topic"}},
		"a node in two levels":            {func(c *Options) { c.Node = "up/mat" }, []string{"has a /"}},
		"a node for everyone":             {func(c *Options) { c.Node = "all" }, []string{"every node"}},
		"no node":                         {func(c *Options) { c.Node = "" }, []string{"is empty"}},
		"an empty level":                  {func(c *Options) { c.Prefix = "/guided" }, []string{"is empty"}},
		"a prefix of the broker's":        {func(c *Options) { c.Prefix = "$SYS" }, []string{"begin with $"}},
		"a password without a user":       {func(c *Options) { c.Password = "x" }, []string{"user is missing"}},
		"no password file":                {func(c *Options) { c.User, c.PasswordFile = "u", "/nowhere" }, []string{"no such file"}},
		"an empty password file":          {func(c *Options) { c.User, c.PasswordFile = "u", empty }, []string{"is empty"}},
		"no authority":                    {func(c *Options) { c.CAFile = "/nowhere" }, []string{"mqtt.ca_file"}},
		"a certificate without a key":     {func(c *Options) { c.Broker, c.CertFile = "mqtts://x", "/nowhere" }, []string{"belong together"}},
		"a certificate in plain text":     {func(c *Options) { c.CertFile, c.KeyFile = "/nowhere", "/nowhere" }, []string{"mqtts://"}},
		"no certificate":                  {func(c *Options) { c.Broker, c.CertFile, c.KeyFile = "wss://x", "/nowhere", "/nowhere" }, []string{"mqtt.cert_file"}},
		"Home Assistant as it comes": {func(c *Options) {
			c.HomeAssistant = homeassistant.Config{Discovery: true, Prefix: "homeassistant", Name: "Guided"}
		}, nil},
		"no Home Assistant": {func(c *Options) { c.HomeAssistant = homeassistant.Config{} }, nil},
		"a discovery prefix that is a pattern": {func(c *Options) {
			c.HomeAssistant = homeassistant.Config{Discovery: true, Prefix: "ha/#", Name: "Guided"}
		}, []string{"homeassistant.prefix"}},
		"a device without a name": {func(c *Options) { c.HomeAssistant = homeassistant.Config{Discovery: true, Prefix: "ha", Name: " "} }, []string{"homeassistant.name"}},
		"all at once": {
			func(c *Options) {
				*c = Options{Config: Config{Broker: "ftp://x", Prefix: "a//b", Password: "x", PasswordFile: "/nowhere"}, Node: "a b"}
			},
			[]string{`"ftp"`, "a space", "is empty", "both set", "user is missing", "no such file"},
		},
	} {
		t.Run(situation, func(t *testing.T) {
			options := testOptions("mqtt://127.0.0.1:1883")
			c.change(&options)
			got := options.Check()
			if len(got) != len(c.want) {
				t.Fatalf("%d problems, want %d: %q", len(got), len(c.want), got)
			}
			for i, part := range c.want {
				if !strings.Contains(got[i], part) {
					t.Errorf("%q does not say %q", got[i], part)
				}
			}
		})
	}
}
