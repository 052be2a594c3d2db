// Package badinput gives pipewatch more than 600 inputs that are wrong, one by one,
// by the doors at which they come in: files, HTTP requests, presses and answers of
// Slack, state files.
//
// Of each it must say what is wrong so that a person can mend it, at once and
// without taking much; and what was good before must still be there. It has no code of
// its own, only tests: the loader, the service and the sender are the real ones.
// Input that nobody thought of is the business of the fuzz tests beside the readers.
//
// # Data model
//
// testdata/<door>.txt holds the inputs of a door as paragraphs. The first line is a
// name in words, the next are the input, the last what is said to it:
//
//	# a severity that does not exist
//	- severity: error                   this of the sound file (shop.yaml, operator.yaml) …
//	+ severity: fatal                   … is replaced by this;
//	= version: 1\ndag: shop\n           or the whole file, the answer, the request's first line
//	: Content-Type: text/plain          a header of a request
//	< {"note": "on it"}                 its body
//	! and hangs up                      after which the caller sends no more
//	> 9:22: defaults.severity: …        what is said
//
// \n, \r, \t, \\ and \u are as in Go; ⟪9 × ab⟫ is ab nine times, ⟪bytes ff fe⟫
// are two bytes. `go test ./test/badinput -update` writes what is said anew: read
// the difference as the person who gets to see it.
package badinput
