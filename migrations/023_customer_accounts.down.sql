DELETE FROM gift_cards WHERE strpos(code, ':') > 0;
ALTER TABLE gift_card_entries
    DROP COLUMN note;
ALTER TABLE gift_cards
    DROP CONSTRAINT gift_cards_code_check,
    ADD CONSTRAINT gift_cards_code_check CHECK (length(code) BETWEEN 8 AND 32);
