package mqtt

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// credentials reads user and password at every connect, so that a corrected password file needs no restart.
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

// A credentialsError means that a password, certificate or key could not be read from its file.
type credentialsError struct{ error }

func (e *credentialsError) Unwrap() error { return e.error }

// certificate is our client certificate, which is read at every connect.
func (c Config) certificate() (tls.Certificate, error) {
	cert, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
	if err != nil {
		return cert, &credentialsError{fmt.Errorf("%s with %s: %w", c.CertFile, c.KeyFile, err)}
	}
	return cert, nil
}

// certPool holds the authorities of a PEM file.
func certPool(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, &credentialsError{err}
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, &credentialsError{fmt.Errorf("%s holds no certificate in PEM form", file)}
	}
	return pool, nil
}
