-- The book. Transfers and entries are never changed; only accounts with a floor have a balance row.
CREATE TABLE account (
  id TEXT PRIMARY KEY,
  party_id TEXT,                     -- NULL: the platform's own
  kind TEXT NOT NULL,
  asset TEXT NOT NULL,
  scale BIGINT NOT NULL,
  created_at BIGINT NOT NULL
) /*STRICT*/;
CREATE INDEX account_party ON account (party_id, kind);
-- The platform's own accounts exist from the start, so that no posting has to look for them.
INSERT INTO account (id, party_id, kind, asset, scale, created_at) VALUES
  ('fees', NULL, 'fees', 'USD', 6, 0), ('promotions', NULL, 'promotions', 'USD', 6, 0);

CREATE TABLE balance (
  account_id TEXT PRIMARY KEY REFERENCES account (id),
  floor BIGINT NOT NULL,
  posted BIGINT NOT NULL,
  held BIGINT NOT NULL,
  CHECK (held >= 0),
  CHECK (posted - held >= floor)
) /*STRICT*/;

CREATE TABLE transfer (
  id TEXT PRIMARY KEY,               -- also the idempotency key
  kind TEXT NOT NULL,
  digest BYTEA NOT NULL,             -- of everything that the transfer does
  hold_id TEXT UNIQUE,
  listing_id TEXT,
  memo TEXT NOT NULL,
  created_at BIGINT NOT NULL
) /*STRICT*/;

CREATE TABLE entry (
  transfer_id TEXT NOT NULL REFERENCES transfer (id),
  leg BIGINT NOT NULL,
  account_id TEXT NOT NULL REFERENCES account (id),
  amount BIGINT NOT NULL,            -- positive: into the account
  balance_after BIGINT,              -- posted balance of the account after this entry; NULL without a balance row
  created_at BIGINT NOT NULL,
  PRIMARY KEY (transfer_id, leg),
  CHECK (amount <> 0)
) /*STRICT*/;
CREATE INDEX entry_account ON entry (account_id, created_at, transfer_id);

-- A hold may draw on several accounts, one part each; all parts share id, state and expiry.
CREATE TABLE hold (
  id TEXT NOT NULL,
  part BIGINT NOT NULL,
  account_id TEXT NOT NULL REFERENCES account (id),
  amount BIGINT NOT NULL,
  state TEXT NOT NULL,               -- held | posted | voided
  digest BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  resolved_at BIGINT,
  PRIMARY KEY (id, part),
  CHECK (amount > 0)
) /*STRICT*/;
CREATE INDEX hold_open ON hold (expires_at) WHERE state = 'held';
CREATE INDEX hold_open_account ON hold (account_id) WHERE state = 'held';
