-- Contributions and the manifests that they are in.
CREATE TABLE contributions (
  id TEXT PRIMARY KEY, -- sha256:<hex> of its leaf in the ledger
  tenant TEXT NOT NULL REFERENCES tenants (name) ON DELETE CASCADE,
  leaf INTEGER NOT NULL,
  withdrawn INTEGER,
  withdrawal_leaf INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX contributions_of_tenant ON contributions (tenant);

CREATE TABLE manifests (
  tenant TEXT NOT NULL REFERENCES tenants (name) ON DELETE CASCADE,
  digest TEXT NOT NULL,
  position INTEGER NOT NULL,
  contribution TEXT NOT NULL REFERENCES contributions (id) ON DELETE CASCADE,
  PRIMARY KEY (tenant, digest, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX manifests_of_contribution ON manifests (contribution);

CREATE INDEX versions_by_manifest ON versions (tenant, manifest_digest) WHERE manifest_digest <> '';
