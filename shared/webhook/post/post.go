// Package post sends webhooks to addresses that merchants choose, and to none
// within the house: it connects only to public addresses, whatever a name leads
// to, follows no redirect, and is bounded in time and size.
package post

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"syscall"
	"time"

	"github.com/rackless/rackless/shared/webhook"
)

// Config says how webhooks are sent.
type Config struct {
	// Insecure allows plain HTTP and addresses within the house, for development.
	Insecure bool          `envconfig:"WEBHOOK_INSECURE" default:"false"`
	Timeout  time.Duration `envconfig:"WEBHOOK_TIMEOUT" default:"15s"` // below the time that the broker waits
}

// maxReply is how much of a reply is read, in bytes.
const maxReply = 4 << 10

// New returns a sender.
func New(c Config) webhook.Post {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	if !c.Insecure {
		// The address that is connected to is checked, not the one that was looked up before.
		dialer.Control = func(_, address string, _ syscall.RawConn) error { return refuseInternal(address) }
	}
	client := &http.Client{
		Timeout: c.Timeout,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: 5 * time.Second, MaxResponseHeaderBytes: 64 << 10,
			DisableKeepAlives: true, ForceAttemptHTTP2: true, // no proxy of the environment either
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return func(ctx context.Context, m webhook.Message) (webhook.Reply, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, m.URL, bytes.NewReader(m.Body))
		if err != nil {
			return webhook.Reply{}, errors.New("the address cannot be read")
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("User-Agent", "Rackless-Webhooks/1")
		r.Header.Set("Webhook-Id", m.ID)
		r.Header.Set("Webhook-Timestamp", strconv.FormatInt(m.Timestamp.Unix(), 10))
		r.Header.Set("Webhook-Signature", m.Signature)
		res, err := client.Do(r)
		if err != nil {
			return webhook.Reply{}, err
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(io.LimitReader(res.Body, maxReply)) // the status is what counts
		return webhook.Reply{Status: res.StatusCode, Body: string(body)}, nil
	}
}

// internal are networks that are not the public internet, besides those that
// net/netip knows (IANA's registries of special-purpose addresses).
var internal = func() (all []netip.Prefix) {
	for _, text := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
	} {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}()

// refuseInternal refuses an address, with its port, that is not public.
func refuseInternal(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return errors.New("the address cannot be read")
	}
	ip := at.Addr().WithZone("").Unmap()
	public := ip.IsGlobalUnicast() && !ip.IsPrivate() && !ip.IsLoopback() && !ip.IsLinkLocalUnicast() && !ip.IsMulticast()
	for _, p := range internal {
		public = public && !p.Contains(ip)
	}
	if !public {
		return fmt.Errorf("the name leads to %s, which is no public address", ip)
	}
	return nil
}
