-- What buyers are told, and whether it has been sent.
CREATE TABLE notifications (
    notification_id text PRIMARY KEY, -- derived from the event and the kind: a repeated event finds its row
    shop_id       text        NOT NULL REFERENCES shops ON DELETE CASCADE,
    event_id      uuid        NOT NULL,
    kind          text        NOT NULL CHECK (kind IN ('customer_welcome', 'order_confirmed', 'order_cancelled', 'order_expired')),
    recipient     text        NOT NULL CHECK (length(recipient) <= 254), -- empty once forgotten
    recipient_key text        GENERATED ALWAYS AS (lower(recipient)) STORED,
    subject       text        NOT NULL,
    text_body     text        NOT NULL,
    html_body     text        NOT NULL,
    message_id    text        NOT NULL CONSTRAINT notifications_message_key UNIQUE,
    -- pending: to be sent; sending: claimed until lease_until, whether it has gone is not known yet;
    -- recorded: not meant to be sent; failed: refused for good, or given up
    state         text        NOT NULL CHECK (state IN ('pending', 'sending', 'sent', 'recorded', 'failed')),
    attempts      int         NOT NULL DEFAULT 0, -- that sent it or may have
    lease_until   timestamptz,
    detail        text        NOT NULL DEFAULT '' CHECK (length(detail) <= 500), -- why it failed
    created_at    timestamptz NOT NULL,
    sent_at       timestamptz,
    CONSTRAINT notifications_event_key UNIQUE (event_id, kind),
    CHECK ((state = 'sending') = (lease_until IS NOT NULL)),
    CHECK ((state = 'sent') = (sent_at IS NOT NULL))
);
CREATE INDEX notifications_recipient_idx ON notifications (shop_id, recipient_key);

ALTER TABLE notifications ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_shop ON notifications USING (shop_id = current_shop()) WITH CHECK (shop_id = current_shop());
