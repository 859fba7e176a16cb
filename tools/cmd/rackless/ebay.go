package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rackless/rackless/shared/ebay"
)

type ebayCmd struct {
	Status  ebayStatusCmd  `cmd:"" help:"Tell how selling at eBay goes: accounts, queues, quotas and what failed."`
	Publish ebayPublishCmd `cmd:"" help:"Put products up at eBay, revise them or take them down, and wait until that is done."`
	Sync    ebaySyncCmd    `cmd:"" help:"Tell eBay the quantities and prices that have changed, now."`
	Import  ebayImportCmd  `cmd:"" help:"Import eBay's orders, now."`
}

// apiFlags say which shop is called, and as whom.
type apiFlags struct {
	URL     string `help:"Address of the shop." default:"http://localhost:8000"`
	Key     string `help:"API key of staff with the scopes catalog:read and catalog:write." env:"RACKLESS_KEY" required:""`
	Account string `help:"The account's name, where the shop has several." placeholder:"NAME"`
}

// call sends a request under a key of its own and decodes the reply.
func (f apiFlags) call(ctx context.Context, method, path string, in, out any) error {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(f.URL, "/")+path, &body)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+f.Key)
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", uuid.NewString())
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("the shop at %s cannot be reached: %w; is it running? --url says where", f.URL, err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		var p struct{ Detail string }
		_ = json.Unmarshal(data, &p) // what is no problem has no detail
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, p.Detail)
	}
	return json.Unmarshal(data, out)
}

// account returns the one that is meant, with how it goes.
func (f apiFlags) account(ctx context.Context) (ebay.AccountStatus, error) {
	var s ebay.Status
	if err := f.call(ctx, http.MethodGet, "/v1/ebay", nil, &s); err != nil {
		return ebay.AccountStatus{}, err
	}
	for _, a := range s.Accounts {
		if a.Name == f.Account || f.Account == "" && len(s.Accounts) == 1 {
			return a, nil
		}
	}
	if len(s.Accounts) == 0 {
		return ebay.AccountStatus{}, errors.New("no account is connected: begin with POST /v1/ebay/accounts")
	}
	return ebay.AccountStatus{}, fmt.Errorf("the shop has %d accounts: say which with --account", len(s.Accounts))
}

type ebayStatusCmd struct{ apiFlags }

func (ebayStatusCmd) Help() string {
	return "Example:\n\n  RACKLESS_KEY=rk_… rackless ebay status"
}

func (c *ebayStatusCmd) Run(ctx context.Context, out *os.File) error {
	var s ebay.Status
	if err := c.call(ctx, http.MethodGet, "/v1/ebay", nil, &s); err != nil {
		return err
	}
	for _, a := range s.Accounts {
		fmt.Fprintf(out, "%s (%s) is %s\n", a.Name, a.Marketplace, a.State)
		if a.Problem != "" {
			fmt.Fprintf(out, "  to do      %s\n", a.Problem)
		}
		fmt.Fprintf(out, "  listings   %d live, %d pending, %d ended, %d failed, %d made by others; eBay refused something of %d\n",
			a.Listings["live"], a.Listings["pending"], a.Listings["ended"], a.Listings["failed"], a.Listings["imported"], a.Troubled)
		fmt.Fprintf(out, "  queue      %d commands, %d listings to be told\n", a.Queue, a.Behind)
		fmt.Fprintf(out, "  orders     %d imported, %d unpaid, %d pieces short\n", a.Imported, a.Unpaid, a.Short)
		for api, q := range a.Quota {
			fmt.Fprintf(out, "  quota      %d of %d calls left for %s until %s\n", q.Left, q.Limit, api, q.Reset.Local().Format("15:04"))
		}
		for kind, j := range a.Jobs {
			if j.Error != "" {
				fmt.Fprintf(out, "  %-10s %s\n", kind, j.Error)
			}
		}
		for _, f := range a.Failures {
			fmt.Fprintf(out, "  failed     %s of %s: %s\n             %s\n", strings.ToLower(f.Verb), f.ProductID, f.Error, f.Hint)
		}
	}
	return nil
}

type ebayPublishCmd struct {
	apiFlags
	Profile  string   `help:"Profile of the listings." default:"STD"`
	End      bool     `help:"Take the listings down."`
	Products []string `arg:"" help:"Ids of products."`
}

func (ebayPublishCmd) Help() string {
	return "Example:\n\n  RACKLESS_KEY=rk_… rackless ebay publish --profile STD TEE MUG"
}

func (c *ebayPublishCmd) Run(ctx context.Context, out *os.File) error {
	a, err := c.account(ctx)
	if err != nil {
		return err
	}
	in := ebay.PublishInput{AccountID: a.ID, Products: c.Products, End: c.End}
	if !c.End {
		in.Profile = c.Profile
	}
	var queued ebay.Queued
	if err := c.call(ctx, http.MethodPost, "/v1/ebay/listings", in, &queued); err != nil {
		return err
	}
	began := time.Now()
	return c.wait(ctx, out, func(now ebay.AccountStatus) (left int64, done string) {
		failed := 0
		for _, f := range now.Failures {
			if f.ProcessedAt.After(began.Add(-time.Minute)) {
				failed++
			}
		}
		return now.Queue, fmt.Sprintf("ebay publish: %d commands, %d failed of late; rackless ebay status says why", queued.Queued, failed)
	})
}

// wait shows what is left until nothing is.
func (f apiFlags) wait(ctx context.Context, out *os.File, left func(ebay.AccountStatus) (int64, string)) error {
	for last := int64(-1); ; {
		a, err := f.account(ctx)
		if err != nil {
			return err
		}
		n, done := left(a)
		if n == 0 {
			fmt.Fprintln(out, done)
			return nil
		}
		if a.State != ebay.Connected {
			return fmt.Errorf("the account was stopped: %s", a.Problem)
		}
		if n != last {
			fmt.Fprintf(os.Stderr, "%d left\n", n)
			last = n
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// now makes work begin and waits until it has ended.
func (f apiFlags) now(ctx context.Context, out *os.File, kind ebay.Kind) error {
	a, err := f.account(ctx)
	if err != nil {
		return err
	}
	before := a.Jobs[string(kind)]
	if err := f.call(ctx, http.MethodPost, "/v1/ebay/accounts/"+a.ID+"/runs", ebay.RunInput{Kind: kind}, &ebay.Account{}); err != nil {
		return err
	}
	return f.wait(ctx, out, func(now ebay.AccountStatus) (int64, string) {
		j := now.Jobs[string(kind)]
		if j.Running || j.EndedAt == nil || before.EndedAt != nil && !j.EndedAt.After(*before.EndedAt) {
			return max(1, now.Behind), ""
		}
		return 0, fmt.Sprintf("ebay %s: %d done, %d failed; %d orders imported in all, %d listings to be told", kind, j.Done-before.Done, j.Errors-before.Errors, now.Imported, now.Behind)
	})
}

type ebaySyncCmd struct{ apiFlags }

func (ebaySyncCmd) Help() string { return "Example:\n\n  RACKLESS_KEY=rk_… rackless ebay sync" }

func (c *ebaySyncCmd) Run(ctx context.Context, out *os.File) error { return c.now(ctx, out, ebay.Sync) }

type ebayImportCmd struct{ apiFlags }

func (ebayImportCmd) Help() string { return "Example:\n\n  RACKLESS_KEY=rk_… rackless ebay import" }

func (c *ebayImportCmd) Run(ctx context.Context, out *os.File) error {
	return c.now(ctx, out, ebay.Import)
}
