-- Wallets that their owners have shown to be theirs (EIP-4361), and the nonces for showing it.
CREATE TABLE wallets (
  user_name TEXT COLLATE "C" NOT NULL,
  address BYTEA NOT NULL CHECK (length(address) = 20),
  chain_id BIGINT NOT NULL CHECK (chain_id >= 0),
  linked_at BIGINT NOT NULL CHECK (linked_at >= 0),
  PRIMARY KEY (user_name, address)
);

-- Only hashes; a nonce is deleted when it is used.
CREATE TABLE wallet_nonces (
  hash BYTEA NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
  user_name TEXT COLLATE "C" NOT NULL,
  expires_at BIGINT NOT NULL CHECK (expires_at >= 0)
);
CREATE INDEX wallet_nonces_by_user ON wallet_nonces (user_name, expires_at);
CREATE INDEX wallet_nonces_by_end ON wallet_nonces (expires_at);
