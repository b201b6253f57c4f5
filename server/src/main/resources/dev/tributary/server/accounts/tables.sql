-- The view's tables. KEY is the primary key's type, which databases call by different names. Times
-- are microseconds, hours hours since 1970; digests are text. A column that may be NULL is so
-- because nobody knew it yet, or because the leaf that said it is erased.

CREATE TABLE started (
  leaf KEY,
  id TEXT NOT NULL,
  tenant TEXT NOT NULL,
  micros BIGINT NOT NULL
);

CREATE TABLE generations (
  leaf KEY,
  hour BIGINT NOT NULL,
  id TEXT,
  tenant TEXT,
  base TEXT,
  ended TEXT,
  started_leaf BIGINT,
  start_micros BIGINT,
  end_micros BIGINT,
  prompt BIGINT,
  cached BIGINT,
  completion BIGINT,
  rule BIGINT,
  attribution BIGINT,
  settlement BIGINT,
  erasure BIGINT
);

CREATE INDEX generations_by_id ON generations (id, tenant);
CREATE INDEX generations_by_time ON generations (tenant, end_micros, leaf);
CREATE INDEX generations_unsettled ON generations (hour) WHERE settlement IS NULL;
CREATE INDEX generations_unattributed ON generations (leaf)
  WHERE attribution IS NULL AND tenant IS NOT NULL;

-- A version is known by its tenant and digest; names and numbers may be several.
CREATE TABLE adapters (
  generation BIGINT NOT NULL,
  position BIGINT NOT NULL,
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  number BIGINT NOT NULL,
  digest TEXT NOT NULL,
  scale_bits BIGINT NOT NULL,
  PRIMARY KEY (generation, position)
);

CREATE INDEX adapters_by_name ON adapters (name, generation);

-- What was recorded of a generation later, whether it counts or not, until it is erased. Where the
-- generation was erased before it, `erasure` is the leaf that says so: it must go too.
CREATE TABLE remarks (
  leaf KEY,
  generation BIGINT NOT NULL,
  erasure BIGINT
);

CREATE INDEX remarks_by_generation ON remarks (generation, leaf);
CREATE INDEX remarks_left_over ON remarks (leaf) WHERE erasure IS NOT NULL;

-- Those that counted, each until the next one's leaf.
CREATE TABLE attributions (
  leaf KEY,
  generation BIGINT NOT NULL,
  method TEXT NOT NULL,
  base_ppm BIGINT NOT NULL,
  unattributed_ppm BIGINT NOT NULL
);

CREATE INDEX attributions_by_generation ON attributions (generation, leaf);

CREATE TABLE shares (
  attribution BIGINT NOT NULL,
  position BIGINT NOT NULL,
  generation BIGINT NOT NULL,
  tenant TEXT,
  contributor TEXT NOT NULL,
  ppm BIGINT NOT NULL,
  digest TEXT,
  paid BIGINT NOT NULL,
  PRIMARY KEY (attribution, position)
);

CREATE INDEX shares_by_contributor ON shares (contributor, generation);

CREATE TABLE builds (
  leaf KEY,
  digest TEXT NOT NULL,
  provenance TEXT NOT NULL,
  method TEXT NOT NULL,
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  number BIGINT NOT NULL,
  pseudonym_key TEXT NOT NULL
);

CREATE INDEX builds_by_digest ON builds (digest, tenant);

-- Of the log's key.
CREATE TABLE rotations (
  leaf KEY
);

CREATE TABLE price_rules (
  leaf KEY,
  hour BIGINT NOT NULL,
  tenant TEXT NOT NULL,
  currency TEXT NOT NULL,
  prompt_micros BIGINT NOT NULL,
  completion_micros BIGINT NOT NULL,
  contributors_ppm BIGINT NOT NULL,
  note TEXT NOT NULL
);

CREATE TABLE settlements (
  leaf KEY,
  hour BIGINT NOT NULL,
  from_hour BIGINT NOT NULL,
  to_hour BIGINT NOT NULL,
  first_leaf BIGINT NOT NULL,
  last_leaf BIGINT NOT NULL,
  currency TEXT NOT NULL,
  fees BIGINT NOT NULL,
  credited BIGINT NOT NULL,
  unattributed BIGINT NOT NULL
);

CREATE TABLE settlement_lines (
  settlement BIGINT NOT NULL,
  position BIGINT NOT NULL,
  tenant TEXT NOT NULL,
  contributor TEXT NOT NULL,
  digest TEXT NOT NULL,
  generations BIGINT NOT NULL,
  ppm BIGINT NOT NULL,
  micros BIGINT NOT NULL,
  PRIMARY KEY (settlement, position)
);

CREATE INDEX settlement_lines_by_contributor ON settlement_lines (contributor, settlement);

-- One row: which tables these are, of which log, and how far it was followed.
CREATE TABLE followed (
  version BIGINT NOT NULL,
  origin TEXT NOT NULL,
  next_leaf BIGINT NOT NULL,
  last_hash TEXT NOT NULL
);
