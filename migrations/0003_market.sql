-- What sellers offer. One row is a publisher, a service or a provider, depending on the door.
CREATE TABLE listing (
  id TEXT PRIMARY KEY,
  party_id TEXT NOT NULL REFERENCES party (id),
  slug TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,                -- http | postgres | sqlite (others join with their connectors)
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  category TEXT NOT NULL,            -- the marketplace's category
  status TEXT NOT NULL,              -- active | paused | removed
  is_verified BIGINT NOT NULL,
  target TEXT NOT NULL,              -- base URL of an HTTP listing; empty where the target is secret
  secret BYTEA,                      -- sealed JSON: connection string, headers and keys for the upstream
  price_per_call BIGINT NOT NULL,
  price_text TEXT NOT NULL,          -- the price as it was registered, to be echoed
  free_tier_calls BIGINT NOT NULL,
  payment_method TEXT NOT NULL,
  fee_basis_points BIGINT NOT NULL,
  pricing TEXT NOT NULL,             -- JSON: prices per method and per row, and what the pricing door shows
  profile TEXT NOT NULL,             -- JSON: descriptive fields of the platform door
  search_text TEXT NOT NULL,         -- lower case: slug, name, description
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
) /*STRICT*/;
CREATE INDEX listing_party ON listing (party_id, created_at);
CREATE INDEX listing_created ON listing (created_at, id);
CREATE INDEX listing_category ON listing (category, created_at);

CREATE TABLE listing_tag (
  listing_id TEXT NOT NULL REFERENCES listing (id),
  position BIGINT NOT NULL,
  tag TEXT NOT NULL,
  tag_lower TEXT NOT NULL,
  PRIMARY KEY (listing_id, position)
) /*STRICT*/;
CREATE INDEX listing_tag_lower ON listing_tag (tag_lower, listing_id);

-- Free calls that a buyer has used of a listing's free tier.
CREATE TABLE free_tier_use (
  party_id TEXT NOT NULL,
  listing_id TEXT NOT NULL REFERENCES listing (id),
  used BIGINT NOT NULL,
  PRIMARY KEY (party_id, listing_id),
  CHECK (used >= 0)
) /*STRICT*/;
