-- The comparison with eBay's items goes page by page, over several runs.
ALTER TABLE ebay_jobs
    ADD COLUMN page       int NOT NULL DEFAULT 0 CHECK (page >= 0),
    ADD COLUMN page_began timestamptz;
