-- The facilitator for somebody else's server: which payments it was asked to settle, and the catalogue of what they paid for.

CREATE TABLE x402_settlement (
  id TEXT PRIMARY KEY,               -- the purpose under which it is settled
  nonce TEXT NOT NULL UNIQUE,        -- what it spends; names chain, token where that matters, and payer
  network TEXT NOT NULL,             -- CAIP-2
  token TEXT NOT NULL,               -- addresses: 0x and 40 lower-case hex digits
  payer TEXT NOT NULL,
  pay_to TEXT NOT NULL,
  amount TEXT NOT NULL,              -- decimal, in the token's smallest unit
  fingerprint BYTEA NOT NULL,        -- of payment, terms and resource
  state TEXT NOT NULL,               -- begun | settled | not_taken
  tx_hash TEXT,
  reason TEXT,                       -- of not_taken: the code, and the words that go with it
  message TEXT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
) /*STRICT*/;
CREATE INDEX x402_settlement_created ON x402_settlement (created_at);

-- What was paid for, as its payers' clients told. One row for each resource and recipient.
CREATE TABLE x402_resource (
  id TEXT PRIMARY KEY,               -- hash of url, tool and recipient
  url TEXT NOT NULL,                 -- without query and fragment; the path may be a template
  kind TEXT NOT NULL,                -- http | mcp
  pay_to TEXT NOT NULL,
  details TEXT NOT NULL,             -- JSON: description, MIME type, service name, tags, icon
  extensions TEXT NOT NULL,          -- JSON object
  words TEXT NOT NULL,               -- in small letters, for the search
  settled_count BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  settled_at BIGINT NOT NULL
) /*STRICT*/;
CREATE INDEX x402_resource_settled ON x402_resource (settled_at);

-- The terms that a resource was paid under, the latest of each kind.
CREATE TABLE x402_resource_terms (
  resource_id TEXT NOT NULL,
  scheme TEXT NOT NULL,
  network TEXT NOT NULL,
  asset TEXT NOT NULL,
  terms TEXT NOT NULL,               -- JSON, as in `accepts`
  settled_at BIGINT NOT NULL,
  PRIMARY KEY (resource_id, scheme, network, asset)
) /*STRICT*/;
