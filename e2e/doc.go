// Package e2e tests the program as its users meet it: the commands, a daemon on a real broker, the examples of the docs,
// other architectures, and, with the build tag homeassistant, a real Home Assistant. The program runs in the process of the
// test through cli.Run, except where a test kills it. Begin at machine_test.go, which sets up what a daemon needs.
package e2e
