DROP FUNCTION erase_ebay_buyer;
ALTER TABLE orders DROP COLUMN channel, DROP COLUMN reference;
ALTER TABLE stock DROP COLUMN listed;
DROP TABLE listing_commands, ebay_store_categories, ebay_user_categories, ebay_power_queue, ebay_jobs, ebay_orders, ebay_winners,
    ebay_listings, ebay_profiles, ebay_accounts;
