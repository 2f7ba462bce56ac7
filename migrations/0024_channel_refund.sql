-- A refund is known on its chain by its number, whatever else changes the channel meanwhile.
ALTER TABLE channel ADD COLUMN refund_nonce TEXT; -- decimal; NULL: none is under way, or an older release has begun it
