// Authorizenet-sim serves a simulated Authorize.Net merchant account. It trusts
// everybody who reaches its port: it is for development and tests, and must not
// be reachable from outside.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/rackless/rackless/infra/simulators/authorizenet"
	"github.com/rackless/rackless/infra/simulators/sim"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	// Ids go on where an earlier run ended, as long as there were fewer than
	// ten a second.
	o := authorizenet.Options{FirstTransID: time.Now().Unix() * 10}
	listen := flag.String("listen", "127.0.0.1:8181", "address to listen at")
	flag.StringVar(&o.LoginID, "login", "sim-login", "API login ID")
	flag.StringVar(&o.TransactionKey, "key", "sim-key", "transaction key")
	flag.StringVar(&o.SignatureKey, "signature-key", "", "signature key of the webhooks")
	flag.Uint64Var(&o.Seed, "seed", uint64(time.Now().UnixNano()), "seed of random numbers")
	flag.Int64Var(&o.FirstTransID, "first-id", o.FirstTransID, "first transaction id")
	flag.DurationVar(&o.CutOff, "cut-off", 0, "time of day, in UTC, of settlement")
	flag.DurationVar(&o.ListLag, "list-lag", 0, "how long it takes until a transaction is in the lists")
	flag.BoolVar(&o.PartialHeld, "partial-held", false, "answer partial approvals with response code 4")
	flag.BoolVar(&o.ExpandedCredits, "expanded-credits", false, "allow refunds without an original")
	flag.StringVar(&o.RejectAVS, "reject-avs", "", "AVS letters that are declined")
	flag.StringVar(&o.RejectCVV, "reject-cvv", "", "CVV letters that are declined")
	flag.Func("webhook", "URL to send webhooks to; may be repeated", func(url string) error {
		o.Webhooks = append(o.Webhooks, url)
		return nil
	})
	flag.Func("retries", "pauses between attempts to deliver a webhook, like 1s,1m", sim.ParseRetries(&o.Retries))
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("unknown argument %q", flag.Arg(0))
	}

	s := authorizenet.New(o)
	return sim.Serve(ctx, *listen, s, s.Run)
}
