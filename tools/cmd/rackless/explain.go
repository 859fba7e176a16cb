package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/ident"
	"github.com/rackless/rackless/tools/home"
	"github.com/rackless/rackless/tools/term"
)

type explainCmd struct {
	ID   string `arg:"" name:"cart" help:"A cart's id, crt_…, or an order's, ord_…."`
	URL  string `help:"The running shop." default:"http://localhost:8000" env:"RACKLESS_URL" placeholder:"URL"`
	Key  string `help:"API key. Default: the one that rackless run has kept on this machine." env:"RACKLESS_KEY" placeholder:"rk_…"`
	Data string `help:"Folder in which this machine keeps a shop." default:"${home}" env:"RACKLESS_DATA" type:"path" placeholder:"DIR"`
}

func (explainCmd) Help() string {
	return `Example:

  rackless explain crt_06h0cchqahy7sesyxqrg491yfm

Draws how every total comes about: each amount with the rule it comes from, and what was considered and did not apply, with the
reason. The amounts of a branch add up to it. For an order it shows what was true when it was placed.`
}

func (c *explainCmd) Run(ctx context.Context, out *os.File) error {
	key := c.Key
	if key == "" {
		kept, _, err := home.Home{Dir: c.Data}.Key()
		if err != nil {
			return err
		}
		key = kept.Token
	}
	path := "/v1/carts/" + c.ID + "/price?explain=true"
	order := ident.Valid(ident.Order, c.ID)
	if order {
		path = "/v1/orders/" + c.ID + "?explain=true"
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(c.URL, "/")+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("%w: is the shop running? start it with rackless run, or name it with --url", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 4096)) // what is there will do
		return fmt.Errorf("the shop replied %s: %s", res.Status, text)
	}
	var reply struct {
		price.Totals
		Inner price.Totals `json:"totals"` // of an order
	}
	if err := json.NewDecoder(res.Body).Decode(&reply); err != nil {
		return fmt.Errorf("read the reply: %w", err)
	}
	totals := reply.Totals
	if order {
		totals = reply.Inner
	}
	if totals.Explanation == nil {
		return fmt.Errorf("%s has no derivation", c.ID)
	}
	writeStep(out, term.Of(out), *totals.Explanation, totals.Currency, "", "")
	return nil
}

// writeStep draws a step and those below it as a tree.
func writeStep(out io.Writer, paint term.Paint, s price.Step, currency, first, rest string) {
	label := paint.Bold(s.Label)
	amount := s.Amount + " " + currency
	if s.NotApplied {
		label, amount = paint.Dim(s.Label), paint.Dim("not applied")
	}
	fmt.Fprintf(out, "%s%s  %s", first, label, amount)
	for _, text := range []string{s.Detail, s.Rule} {
		if text != "" {
			fmt.Fprintf(out, "  %s", paint.Dim(text))
		}
	}
	fmt.Fprintln(out)
	for i, below := range s.Steps {
		if i == len(s.Steps)-1 {
			writeStep(out, paint, below, currency, rest+"└─ ", rest+"   ")
		} else {
			writeStep(out, paint, below, currency, rest+"├─ ", rest+"│  ")
		}
	}
}
