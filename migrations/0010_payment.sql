-- Signed x402 payments for calls and deposits, from their reservation to their end. A row is written with its call.
CREATE TABLE payment (
  id TEXT PRIMARY KEY,               -- also of the call it pays for, and the purpose of the transaction that settles it
  nonce_key TEXT NOT NULL,           -- what it spends: one payment that is not refused for each
  network TEXT NOT NULL,             -- CAIP-2
  token TEXT NOT NULL,               -- 0x and 40 lower-case hex digits, as the addresses below
  payer TEXT NOT NULL,
  pay_to TEXT NOT NULL,
  receiver TEXT NOT NULL,            -- gateway | seller: whose address that is
  amount BIGINT NOT NULL,            -- micros
  fee_basis_points BIGINT NOT NULL,  -- the platform's part
  state TEXT NOT NULL,               -- reserved | earned | settled | refused
  deposit_to TEXT,                   -- the account that is credited; NULL: it pays for a call
  fingerprint BYTEA NOT NULL,        -- of the request that it pays for
  terms TEXT NOT NULL,               -- JSON: the requirements that it accepts
  payload TEXT NOT NULL,             -- JSON: the payment as it came
  reply_status BIGINT,               -- of the seller's reply, kept until a while after it was handed over
  reply_headers TEXT,
  reply_body BYTEA,
  delivered BIGINT NOT NULL,         -- 1: the reply was handed over
  tx_hash TEXT,
  reason TEXT,                       -- why it was refused
  valid_before BIGINT,
  created_at BIGINT NOT NULL,
  ended_at BIGINT
) /*STRICT*/;
CREATE UNIQUE INDEX payment_nonce ON payment (nonce_key) WHERE state <> 'refused';
CREATE INDEX payment_earned ON payment (created_at) WHERE state = 'earned';
CREATE INDEX payment_reply ON payment (ended_at) WHERE reply_status IS NOT NULL;
