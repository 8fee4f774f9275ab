// Package e2e tests the program as its users meet it: the commands, a daemon on a real broker, what the documents promise,
// other machines, and a real Home Assistant. It holds tests alone.
package e2e
