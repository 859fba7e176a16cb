// Ebay-sim serves a simulated seller at eBay. It trusts everybody who reaches its
// administration: it is for development and tests, and must not be reachable from
// outside.
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

	"github.com/rackless/rackless/infra/simulators/ebay"
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
	var o ebay.Options
	listen := flag.String("listen", "127.0.0.1:8183", "address to listen at")
	flag.StringVar(&o.ClientID, "client-id", "sim-client", "the application's id")
	flag.StringVar(&o.ClientSecret, "client-secret", "sim-secret", "the application's secret")
	flag.StringVar(&o.RuName, "ru-name", "sim-ru", "eBay's name of the address to which sellers are sent back")
	flag.StringVar(&o.Accept, "accept", "", "that address")
	flag.Uint64Var(&o.Seed, "seed", uint64(time.Now().UnixNano()), "seed of random numbers")
	flag.IntVar(&o.Revisions, "revisions", 0, "revisions of a listing a day; 0: the vendor's 250")
	flag.DurationVar(&o.OrderLag, "order-lag", 0, "how long it takes until a new order is in the lists")
	flag.DurationVar(&o.RefundLag, "refund-lag", 0, "how long a refund is pending; 0: a minute")
	flag.BoolVar(&o.Newcomer, "newcomer", false, "the seller is not opted in to business policies")
	flag.BoolVar(&o.EndsEmpty, "ends-empty", false, "the seller is without out-of-stock control: listings with nothing left end")
	flag.BoolVar(&o.CollectTax, "collect-tax", false, "eBay collects and remits the tax of orders")
	flag.BoolVar(&o.AlphanumericSKUs, "alphanumeric-skus", false, "SKUs are of letters and digits only")
	flag.BoolVar(&o.PlainEndpoints, "plain-endpoints", false, "notices may go to http addresses")
	flag.Func("republish", "how a second publication is answered: same or fault; otherwise it is refused", func(how string) error {
		if how != "same" && how != "fault" {
			return fmt.Errorf("neither same nor fault")
		}
		o.Republish = how
		return nil
	})
	flag.Func("retries", "pauses between attempts to deliver a notice, like 1s,1m", sim.ParseRetries(&o.Retries))
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("unknown argument %q", flag.Arg(0))
	}
	s := ebay.New(o)
	return sim.Serve(ctx, *listen, s, s.Run)
}
