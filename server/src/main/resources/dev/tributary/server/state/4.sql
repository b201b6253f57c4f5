-- Runs of training. What is in JSON is the training's to read; nothing is looked up by it.
CREATE TABLE runs (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  tenant TEXT NOT NULL REFERENCES tenants (name) ON DELETE CASCADE,
  adapter TEXT NOT NULL,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  error TEXT NOT NULL,
  settings TEXT NOT NULL, -- JSON
  alias TEXT NOT NULL,
  subsets INTEGER NOT NULL,
  seeds INTEGER NOT NULL,
  manifest_digest TEXT NOT NULL,
  data TEXT NOT NULL, -- JSON
  progress TEXT NOT NULL, -- JSON
  result TEXT NOT NULL, -- JSON
  version INTEGER,
  digest TEXT NOT NULL,
  request_id TEXT NOT NULL,
  created INTEGER NOT NULL,
  ended INTEGER
) STRICT;

CREATE INDEX runs_of_tenant ON runs (tenant, seq);
CREATE INDEX runs_open ON runs (seq) WHERE ended IS NULL;
CREATE UNIQUE INDEX runs_by_request ON runs (tenant, request_id) WHERE request_id <> '';
CREATE INDEX runs_by_digest ON runs (tenant, digest) WHERE digest <> '';
