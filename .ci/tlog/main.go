// Command tlog-check looks at what Tributary's transparency log writes with the code of those who
// made the formats, and writes what they make of them, for Tributary to look at.
//
//	tlog-check check FILE          checks the vectors in a file
//	tlog-check make FILE           writes vectors into a file
//	tlog-check export FOLDER VKEY  checks a whole log that was written out as static files
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "tlog-check:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "check":
		vectors, err := read(args[1])
		if err != nil {
			return err
		}
		return vectors.check()
	case len(args) == 2 && args[0] == "make":
		vectors, err := made()
		if err != nil {
			return err
		}
		return vectors.write(args[1])
	case len(args) == 3 && args[0] == "export":
		return checkExport(args[1], args[2])
	default:
		return fmt.Errorf("usage: tlog-check check FILE | make FILE | export FOLDER VKEY")
	}
}
