-- The book as a log: entries are appended in the order of their numbers and linked to the one before on the same
-- account, so that a commit writes few pages and a statement is read back from its newest line. Tables of the paid
-- path have no foreign keys and no index that a reader does not need; `farebox check-ledger` checks what keys would.

-- Each writer numbers its commits and entries by itself, so writers never wait for each other's numbers.
CREATE TABLE chain (
  id BIGINT PRIMARY KEY,             -- 0: whatever has no writer of its own
  seq BIGINT NOT NULL,               -- number of the newest batch
  entries BIGINT NOT NULL            -- number of entries; the newest is numbered id * 2^44 + entries
) /*STRICT*/;

-- What one commit added to the book. The hash covers the batch before and every field of its transfers and entries.
CREATE TABLE batch (
  chain BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  entries BIGINT NOT NULL,           -- number of the chain's entries with this batch
  hash BYTEA NOT NULL,               -- empty: from before chains, on batch 1 of chain 0 only
  PRIMARY KEY (chain, seq)
) /*STRICT, CLUSTERED*/;

CREATE TABLE new_entry (
  no BIGINT PRIMARY KEY,
  transfer_id TEXT NOT NULL,
  account_id TEXT NOT NULL,
  amount BIGINT NOT NULL,            -- positive: into the account
  balance_after BIGINT,              -- posted balance of the account after this entry; NULL without a balance row
  prev BIGINT,                       -- the entry before on the same account; NULL: none, or no balance row
  created_at BIGINT NOT NULL,        -- never before the entry before on the same account
  CHECK (amount <> 0)
) /*STRICT*/;
INSERT INTO new_entry (no, transfer_id, account_id, amount, balance_after, prev, created_at)
  SELECT no, transfer_id, account_id, amount,
    CASE WHEN has_balance = 1 THEN CAST(SUM(amount) OVER (PARTITION BY account_id ORDER BY no) AS BIGINT) END,
    CASE WHEN has_balance = 1 THEN LAG(no) OVER (PARTITION BY account_id ORDER BY no) END, created_at
  FROM (SELECT ROW_NUMBER() OVER (ORDER BY e.created_at, e.transfer_id, e.leg) AS no, e.transfer_id, e.account_id,
      e.amount, e.created_at, CASE WHEN b.account_id IS NULL THEN 0 ELSE 1 END AS has_balance
    FROM entry e LEFT JOIN balance b ON b.account_id = e.account_id) numbered;
INSERT INTO chain (id, seq, entries) SELECT 0, CASE WHEN COUNT(*) > 0 THEN 1 ELSE 0 END, COUNT(*) FROM new_entry;
INSERT INTO batch (chain, seq, entries, hash) SELECT 0, 1, entries, CAST('' AS BYTEA) FROM chain WHERE entries > 0;

CREATE TABLE new_balance (
  account_id TEXT PRIMARY KEY,
  floor BIGINT NOT NULL,
  posted BIGINT NOT NULL,
  held BIGINT NOT NULL,
  credited BIGINT NOT NULL,          -- sum of all that ever came in
  entries BIGINT NOT NULL,           -- how many entries the account has
  last_entry BIGINT,                 -- the newest
  prior_entry BIGINT,                -- the newest before the last update
  last_at BIGINT NOT NULL,           -- when the newest was made
  CHECK (held >= 0),
  CHECK (posted - held >= floor)
) /*STRICT, CLUSTERED*/;
INSERT INTO new_balance (account_id, floor, posted, held, credited, entries, last_entry, last_at)
  SELECT b.account_id, b.floor, b.posted, b.held,
    (SELECT CAST(COALESCE(SUM(e.amount), 0) AS BIGINT) FROM new_entry e WHERE e.account_id = b.account_id AND e.amount > 0),
    (SELECT COUNT(*) FROM new_entry e WHERE e.account_id = b.account_id),
    (SELECT MAX(e.no) FROM new_entry e WHERE e.account_id = b.account_id),
    (SELECT COALESCE(MAX(e.created_at), 0) FROM new_entry e WHERE e.account_id = b.account_id)
  FROM balance b;

CREATE TABLE new_transfer (
  id TEXT PRIMARY KEY,               -- also the idempotency key
  kind TEXT NOT NULL,
  digest BYTEA NOT NULL,             -- of what was asked for: kind, hold, listing, legs
  hold_id TEXT,
  listing_id TEXT,
  memo TEXT NOT NULL,
  first_entry BIGINT NOT NULL        -- the others follow it
) /*STRICT, CLUSTERED*/;
INSERT INTO new_transfer (id, kind, digest, hold_id, listing_id, memo, first_entry)
  SELECT t.id, t.kind, t.digest, t.hold_id, t.listing_id, t.memo, e.first_entry
  FROM transfer t JOIN (SELECT transfer_id, MIN(no) AS first_entry FROM new_entry GROUP BY transfer_id) e
    ON e.transfer_id = t.id;

-- The lines of each account's statement: the calls of a day and listing make one, every other transfer its own.
CREATE TABLE statement_line (
  account_id TEXT NOT NULL,
  day BIGINT NOT NULL,               -- days since 1970
  line TEXT NOT NULL,                -- the listing, or the transfer
  kind TEXT NOT NULL,                -- of the transfers
  listing_id TEXT,
  memo TEXT NOT NULL,
  amount BIGINT NOT NULL,
  transfers BIGINT NOT NULL,         -- each counted on the first of its party's accounts only
  at BIGINT NOT NULL,                -- of the newest
  last_entry BIGINT NOT NULL,
  PRIMARY KEY (account_id, day, line)
) /*STRICT, CLUSTERED*/;
INSERT INTO statement_line (account_id, day, line, kind, listing_id, memo, amount, transfers, at, last_entry)
  SELECT account_id, created_at / 86400000000, line, MAX(kind), MAX(listing_id), MAX(memo), CAST(SUM(amount) AS BIGINT),
    CAST(SUM(CASE WHEN turn = 1 THEN 1 ELSE 0 END) AS BIGINT), MAX(created_at), MAX(no)
  FROM (SELECT e.account_id, e.created_at, e.no, e.amount, t.kind, t.listing_id,
      CASE WHEN t.kind = 'call' AND t.listing_id IS NOT NULL THEN t.listing_id ELSE t.id END AS line,
      CASE WHEN t.kind = 'call' AND t.listing_id IS NOT NULL THEN '' ELSE t.memo END AS memo,
      ROW_NUMBER() OVER (PARTITION BY e.transfer_id, COALESCE(a.party_id, e.account_id) ORDER BY e.no) AS turn
    FROM new_entry e JOIN new_transfer t ON t.id = e.transfer_id JOIN account a ON a.id = e.account_id) legs
  GROUP BY account_id, created_at / 86400000000, line;

CREATE TABLE new_hold (
  id TEXT NOT NULL,
  part BIGINT NOT NULL,
  account_id TEXT NOT NULL,
  amount BIGINT NOT NULL,
  state TEXT NOT NULL,               -- held | posted | voided
  digest BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  resolved_at BIGINT,
  PRIMARY KEY (id, part),
  CHECK (amount > 0)
) /*STRICT, CLUSTERED*/;
INSERT INTO new_hold (id, part, account_id, amount, state, digest, created_at, expires_at, resolved_at)
  SELECT id, part, account_id, amount, state, digest, created_at, expires_at, resolved_at FROM hold;

-- A call that was never open in the database is written once, at its end.
CREATE TABLE new_call (
  id TEXT PRIMARY KEY,
  buyer_party_id TEXT NOT NULL,
  seller_party_id TEXT NOT NULL,
  listing_id TEXT NOT NULL,
  key_id TEXT,
  door TEXT NOT NULL,                -- platform | marketplace | sql-gateway
  method TEXT NOT NULL,
  path TEXT NOT NULL,                -- without query, cut to 256 bytes
  state TEXT NOT NULL,               -- open | charged | free | failed | canceled | expired
  free_tier BIGINT NOT NULL,
  quoted BIGINT NOT NULL,
  charged BIGINT NOT NULL,
  status_code BIGINT,
  latency_ms BIGINT,
  request_id TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  finished_at BIGINT
) /*STRICT, CLUSTERED*/;
INSERT INTO new_call (id, buyer_party_id, seller_party_id, listing_id, key_id, door, method, path, state, free_tier,
    quoted, charged, status_code, latency_ms, request_id, created_at, expires_at, finished_at)
  SELECT id, buyer_party_id, seller_party_id, listing_id, key_id, door, method, path, state, free_tier,
    quoted, charged, status_code, latency_ms, request_id, created_at, expires_at, finished_at FROM call;

-- What each buyer has used of each listing.
CREATE TABLE call_use (
  listing_id TEXT NOT NULL,
  buyer_party_id TEXT NOT NULL,
  served BIGINT NOT NULL,            -- charged and free calls
  failed BIGINT NOT NULL,
  charged BIGINT NOT NULL,
  latency_ms BIGINT NOT NULL,        -- sum over served and failed calls
  PRIMARY KEY (listing_id, buyer_party_id)
) /*STRICT, CLUSTERED*/;
CREATE INDEX call_use_buyer ON call_use (buyer_party_id);
INSERT INTO call_use (listing_id, buyer_party_id, served, failed, charged, latency_ms)
  SELECT listing_id, buyer_party_id, CAST(SUM(CASE WHEN state = 'failed' THEN 0 ELSE 1 END) AS BIGINT),
    CAST(SUM(CASE WHEN state = 'failed' THEN 1 ELSE 0 END) AS BIGINT), CAST(SUM(charged) AS BIGINT),
    CAST(COALESCE(SUM(latency_ms), 0) AS BIGINT)
  FROM call WHERE state IN ('charged', 'free', 'failed') GROUP BY listing_id, buyer_party_id;

DROP TABLE entry;
DROP TABLE transfer;
DROP TABLE hold;
DROP TABLE balance;
DROP TABLE call;
ALTER TABLE new_entry RENAME TO entry;
ALTER TABLE new_transfer RENAME TO transfer;
ALTER TABLE new_hold RENAME TO hold;
ALTER TABLE new_balance RENAME TO balance;
ALTER TABLE new_call RENAME TO call;
CREATE INDEX hold_open ON hold (expires_at) WHERE state = 'held';
CREATE INDEX call_open ON call (expires_at) WHERE state = 'open';
