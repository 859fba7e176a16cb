ALTER TABLE ebay_jobs DROP COLUMN page, DROP COLUMN page_began;
