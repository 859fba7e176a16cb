package sim

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"
)

// Serve serves a simulator at a TCP address, and runs its background, until ctx
// ends.
func Serve(ctx context.Context, address string, h http.Handler, background func(context.Context)) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	slog.Info("listening", "address", l.Addr().String())
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go background(ctx)
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// ParseRetries returns the function of a flag for a list of pauses, like
// "1s,1m".
func ParseRetries(into *[]time.Duration) func(string) error {
	return func(text string) error {
		for field := range strings.SplitSeq(text, ",") {
			d, err := time.ParseDuration(field)
			if err != nil {
				return err
			}
			*into = append(*into, d)
		}
		return nil
	}
}
