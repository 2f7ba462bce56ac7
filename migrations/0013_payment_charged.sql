-- What of a payment its call costs, where that is less than was signed: the rest is the payer's balance at the seller.
ALTER TABLE payment ADD COLUMN charged BIGINT;  -- micros; NULL: all of it
