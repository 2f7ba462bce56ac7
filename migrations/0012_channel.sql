-- Payment channels on chains in which this server is the receiver. A channel's money is the account
-- channel:<party>:<id>, which has balance - charged + lost. Amounts are in micros.
CREATE TABLE channel (
  id TEXT PRIMARY KEY,               -- on its chain: 0x and 64 lower-case hex digits
  network TEXT NOT NULL,             -- CAIP-2
  token TEXT NOT NULL,               -- 0x and 40 lower-case hex digits, as the addresses below
  payer TEXT NOT NULL,
  payer_authorizer TEXT NOT NULL,
  receiver TEXT NOT NULL,
  receiver_authorizer TEXT NOT NULL,
  withdraw_delay_s BIGINT NOT NULL,
  salt TEXT NOT NULL,
  party_id TEXT NOT NULL,            -- who spends it
  balance BIGINT NOT NULL,           -- what is in it on the chain, what was claimed included
  charged BIGINT NOT NULL,           -- what vouchers were spent for, from the beginning
  claimed BIGINT NOT NULL,           -- how much of that the chain knows of
  lost BIGINT NOT NULL,              -- charged, and gone before it was claimed
  signed TEXT,                       -- what the last voucher comes to, in the token's smallest unit
  signature TEXT,                    -- and its signature
  withdrawal_at BIGINT,              -- since when the payer wants to withdraw, in Unix seconds
  withdrawal BIGINT,                 -- and how much
  moves BIGINT NOT NULL,             -- how often the balance has changed
  refund_id TEXT,                    -- the refund that is under way
  refund_units TEXT,
  claim_id TEXT,                     -- the claim that is under way
  claim_total BIGINT,
  owed_since BIGINT,                 -- of the oldest charge that is not claimed
  seen_at BIGINT NOT NULL,           -- when the chain was looked at
  used_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL
) /*STRICT*/;
CREATE INDEX channel_to_claim ON channel (network, id) WHERE charged > claimed;
CREATE INDEX channel_claim ON channel (claim_id) WHERE claim_id IS NOT NULL;
CREATE INDEX channel_refund ON channel (id) WHERE refund_id IS NOT NULL;
CREATE INDEX channel_party ON channel (party_id);
CREATE INDEX channel_idle ON channel (network, seen_at) WHERE balance > charged;
