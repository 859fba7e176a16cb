// Package ses sends notifications through Amazon Simple Email Service. SES
// replaces the Message-ID, so the header X-Rackless-Message-Id carries ours.
package ses

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/notify"
	"github.com/rackless/rackless/shared/notify/mime"
)

// Options say which SES is called, and as whom.
type Options struct {
	Client                               *http.Client // nil: the SDK's own
	Region                               string
	Endpoint                             string // empty: that of the region
	AccessKeyID, SecretKey, SessionToken string
}

// Sender sends raw messages. It holds one method of the SDK's client, not the
// client: a type that is within an interface keeps all its methods in a program
// that uses templates, and SES has a hundred.
type Sender struct {
	send func(context.Context, *sesv2.SendEmailInput, ...func(*sesv2.Options)) (*sesv2.SendEmailOutput, error)
}

// New returns a sender. It does not connect.
func New(o Options) (*Sender, error) {
	if o.Region == "" || o.AccessKeyID == "" || o.SecretKey == "" {
		return nil, errors.New("EMAIL_SENDER=ses needs AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	cfg := aws.Config{
		Region:      o.Region,
		Credentials: credentials.NewStaticCredentialsProvider(o.AccessKeyID, o.SecretKey, o.SessionToken),
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} }, // a repetition could send twice; notify decides on it
	}
	if o.Client != nil {
		cfg.HTTPClient = o.Client
	}
	client := sesv2.NewFromConfig(cfg, func(s *sesv2.Options) {
		if o.Endpoint != "" {
			s.BaseEndpoint = &o.Endpoint
		}
	})
	return &Sender{client.SendEmail}, nil
}

// Send implements notify.Sender.
func (s *Sender) Send(ctx context.Context, m notify.Message) error {
	msg, err := mime.Compose(m)
	if err != nil {
		return err
	}
	msg.SetGenHeader("X-Rackless-Message-Id", m.ID)
	var raw bytes.Buffer
	if _, err := msg.WriteTo(&raw); err != nil {
		return fmt.Errorf("compose %s: %w", m.ID, err)
	}
	_, err = s.send(ctx, &sesv2.SendEmailInput{
		FromEmailAddress: &m.From,
		Destination:      &types.Destination{ToAddresses: []string{m.To}},
		Content:          &types.EmailContent{Raw: &types.RawMessage{Data: raw.Bytes()}},
	})
	return classify(err)
}

// classify tells whether SES has taken the message: whatever it answered with a
// status of 4xx, it has not.
func classify(err error) error {
	if err == nil {
		return nil
	}
	answer, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok || answer.HTTPStatusCode()/100 != 4 { // no answer has the status 0
		return fmt.Errorf("call SES: %w", err)
	}
	code := "unknown"
	if refusal, ok := errors.AsType[smithy.APIError](err); ok {
		code = refusal.ErrorCode()
	}
	switch code {
	case "MessageRejected", "BadRequestException":
		return fault.From(fault.Unprocessable, err, "SES refuses the message: %s", code)
	default: // too many, suspended, paused, not verified, not allowed: mended without a new message
		return fault.From(fault.Unavailable, err, "SES does not take the message now: %s", code)
	}
}
