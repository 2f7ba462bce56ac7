-- Who may come back for the reply of a payment whose request has left: its chain shows the payment itself to everybody.
ALTER TABLE payment ADD COLUMN sender TEXT; -- digest of the network address that brought it; NULL: an older release took it

-- `delivered`: 0 the reply waits; 1 it was handed over; above 1 it was handed over a moment ago, to the request of that
-- number, and may be lost with its process.
CREATE INDEX payment_handed ON payment (ended_at) WHERE delivered > 1;
