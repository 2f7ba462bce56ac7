-- Skills of organisations: instructions for agents with their files, in numbered revisions that never change.
CREATE TABLE skill (
  id TEXT PRIMARY KEY,
  party_id TEXT NOT NULL REFERENCES party (id),
  slug TEXT NOT NULL,
  display_name TEXT NOT NULL,
  description TEXT,
  search_text TEXT NOT NULL,         -- slug, display name and description in lower case
  status TEXT NOT NULL,              -- active | archived
  latest_number BIGINT NOT NULL,     -- of the newest revision
  created_by TEXT,                   -- a user, as updated_by
  updated_by TEXT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
) /*STRICT*/;
CREATE UNIQUE INDEX skill_slug ON skill (party_id, slug);

CREATE TABLE skill_revision (
  id TEXT PRIMARY KEY,
  party_id TEXT NOT NULL REFERENCES party (id),
  skill_id TEXT NOT NULL REFERENCES skill (id),
  number BIGINT NOT NULL,            -- from 1 on
  status TEXT NOT NULL,              -- draft | published | superseded
  title TEXT,                        -- from the frontmatter, as the description
  description TEXT,
  frontmatter TEXT NOT NULL,         -- a JSON object
  bundle_sha256 TEXT NOT NULL,       -- of a blob; 64 lower-case hex digits, as all hashes here
  bundle_size BIGINT NOT NULL,       -- bytes
  file_count BIGINT NOT NULL,
  created_by TEXT,
  created_at BIGINT NOT NULL,
  published_at BIGINT                -- the last time
) /*STRICT*/;
CREATE UNIQUE INDEX skill_revision_number ON skill_revision (skill_id, number);
CREATE UNIQUE INDEX skill_revision_published ON skill_revision (skill_id) WHERE status = 'published';

CREATE TABLE skill_file (
  id TEXT PRIMARY KEY,
  party_id TEXT NOT NULL REFERENCES party (id),
  revision_id TEXT NOT NULL REFERENCES skill_revision (id),
  path TEXT NOT NULL,
  content_type TEXT NOT NULL,
  is_text BIGINT NOT NULL,
  size_bytes BIGINT NOT NULL,
  sha256 TEXT NOT NULL
) /*STRICT*/;
CREATE UNIQUE INDEX skill_file_path ON skill_file (revision_id, path);

-- Contents of files and bundles, each once for each party.
CREATE TABLE skill_blob (
  party_id TEXT NOT NULL REFERENCES party (id),
  sha256 TEXT NOT NULL,
  content BYTEA NOT NULL,
  PRIMARY KEY (party_id, sha256)
) /*STRICT*/;

-- How much of its room a party has used.
CREATE TABLE skill_store (
  party_id TEXT PRIMARY KEY REFERENCES party (id),
  skills BIGINT NOT NULL,
  bytes BIGINT NOT NULL              -- of its blobs
) /*STRICT*/;
