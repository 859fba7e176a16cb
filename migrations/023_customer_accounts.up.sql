-- What a registered customer has with the shop is booked as gift cards are: points,
-- credit for returned goods, and the credit line of purchase orders. The code of
-- such an account is its kind and the customer, which no gift card's can be.
ALTER TABLE gift_cards
    DROP CONSTRAINT gift_cards_code_check,
    ADD CONSTRAINT gift_cards_code_check CHECK (length(code) BETWEEN 8 AND 32 OR code ~ '^(POINTS|RMC|PO):cus_[0-9a-z]{26}$');
ALTER TABLE gift_card_entries
    ADD COLUMN note text NOT NULL DEFAULT '' CHECK (length(note) <= 200);
