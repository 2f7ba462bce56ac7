-- What a seller decides about payments on chain, and payments of which only a part is taken.
ALTER TABLE listing ADD COLUMN payment_order TEXT;    -- after | before | later; NULL: as configured
ALTER TABLE listing ADD COLUMN payment_receiver TEXT; -- gateway | seller; NULL: as configured
ALTER TABLE payment ADD COLUMN authorized BIGINT;     -- micros that were signed for, of which amount is taken; NULL: amount
