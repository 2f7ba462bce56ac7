-- Transactions that gas wallets send to chains. A row is committed, signed form included, before anything is broadcast.

CREATE TABLE gas_wallet (
  network TEXT NOT NULL,             -- CAIP-2
  address TEXT NOT NULL,             -- 0x and 40 lower-case hex digits
  next_nonce BIGINT NOT NULL,
  PRIMARY KEY (network, address)
) /*STRICT*/;

CREATE TABLE chain_transaction (
  id TEXT PRIMARY KEY,               -- the purpose's UUID; whoever asks again with it gets the same transaction
  network TEXT NOT NULL,
  wallet TEXT NOT NULL,
  nonce BIGINT NOT NULL,
  state TEXT NOT NULL,               -- new | broadcast | included | mined | failed
  tx_hash TEXT NOT NULL,             -- of the newest signed form, in the end of the one that was mined
  raw BYTEA NOT NULL,                -- the newest signed form; the older ones are in chain_replaced
  refusal TEXT,                      -- why what was asked for can never be sent; the newest form fills its nonce
  block BIGINT,
  block_hash TEXT,
  gas_used BIGINT,
  reason TEXT,                       -- why it failed
  signed_at BIGINT NOT NULL,         -- when the newest form was made
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
) /*STRICT*/;
CREATE UNIQUE INDEX chain_transaction_nonce ON chain_transaction (network, wallet, nonce)
  WHERE state IN ('new', 'broadcast', 'included');

-- Signed forms that were replaced. Any of them may still be mined, so all are watched.
CREATE TABLE chain_replaced (
  transaction_id TEXT NOT NULL,
  tx_hash TEXT NOT NULL,
  raw BYTEA NOT NULL,
  signed_at BIGINT NOT NULL,
  PRIMARY KEY (transaction_id, tx_hash)
) /*STRICT*/;
