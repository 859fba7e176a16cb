// Stripe-sim serves a simulated Stripe account in test mode. It trusts everybody
// who reaches its administration: it is for development and tests, and must not
// be reachable from outside.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/rackless/rackless/infra/simulators/sim"
	"github.com/rackless/rackless/infra/simulators/stripe"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	var o stripe.Options
	listen := flag.String("listen", "127.0.0.1:8182", "address to listen at")
	flag.StringVar(&o.SecretKey, "key", "sk_test_sim", "secret key")
	flag.StringVar(&o.PublishableKey, "publishable-key", "pk_test_sim", "publishable key")
	flag.Uint64Var(&o.Seed, "seed", uint64(time.Now().UnixNano()), "seed of random numbers")
	flag.DurationVar(&o.AuthorizationLife, "authorization-life", 0, "how long an authorization holds; 0 is seven days")
	flag.DurationVar(&o.SearchLag, "search-lag", 0, "how long it takes until a search finds an object; 0 is a minute")
	flag.DurationVar(&o.RefundDelay, "refund-delay", 0, "how long the refunds of some test cards take; 0 is a day")
	flag.BoolVar(&o.Multicapture, "multicapture", false, "allow several captures of one authorization")
	flag.BoolVar(&o.RawCards, "raw-cards", false, "let the secret key send card numbers")
	flag.Func("webhook", "webhook endpoint, as URL,secret; may be repeated", func(text string) error {
		url, secret, ok := strings.Cut(text, ",")
		if !ok {
			return fmt.Errorf("there is no secret in %q", text)
		}
		o.Webhooks = append(o.Webhooks, stripe.Webhook{URL: url, Secrets: []string{secret}})
		return nil
	})
	flag.Func("retries", "pauses between attempts to deliver a webhook, like 1s,1m", sim.ParseRetries(&o.Retries))
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("unknown argument %q", flag.Arg(0))
	}
	s := stripe.New(o)
	return sim.Serve(ctx, *listen, s, s.Run)
}
