-- Transfers on a chain that were credited because somebody named their transaction. A row is written with its credit.
CREATE TABLE chain_deposit (
  network TEXT NOT NULL,             -- CAIP-2
  tx_hash TEXT NOT NULL,             -- 0x and 64 lower-case hex digits
  log_index BIGINT NOT NULL,         -- the place of the transfer among the events of its transaction, from 0
  token TEXT NOT NULL,               -- addresses: 0x and 40 lower-case hex digits
  sender TEXT NOT NULL,
  pay_to TEXT NOT NULL,
  amount BIGINT NOT NULL,            -- micros
  deposit_to TEXT NOT NULL,          -- the account that was credited
  transfer_id TEXT NOT NULL UNIQUE,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (network, tx_hash, log_index)
) /*STRICT*/;
CREATE INDEX chain_deposit_hash ON chain_deposit (tx_hash);
-- What settled a signed payment is looked up before it is credited.
CREATE INDEX payment_transaction ON payment (tx_hash) WHERE tx_hash IS NOT NULL;
CREATE INDEX x402_settlement_transaction ON x402_settlement (tx_hash) WHERE tx_hash IS NOT NULL;

-- Challenges that a wallet has answered, until they are too old to be answered again.
CREATE TABLE wallet_proof (
  nonce TEXT NOT NULL,               -- 32 lower-case hex digits
  address TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (nonce, address)
) /*STRICT*/;
CREATE INDEX wallet_proof_expires ON wallet_proof (expires_at);
