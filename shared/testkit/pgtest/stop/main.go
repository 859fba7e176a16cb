// Command stop ends the PostgreSQL server that test binaries share and leave
// running between them. The Makefile calls it.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/rackless/rackless/shared/testkit/pgtest"
)

func main() {
	if err := pgtest.Stop(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
