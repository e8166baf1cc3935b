//! Every SQL text of the ports. They use what `SQLite` and `PostgreSQL` share: `$n` parameters,
//! `ON CONFLICT`, `RETURNING`; texts compare byte by byte.

macro_rules! statements {
    ($($name:ident = $text:literal;)*) => {
        $(pub(crate) const $name: &str = $text;)*

        /// All of them by name, for the test of the query plans.
        #[cfg(test)]
        pub(crate) const ALL: &[(&str, &str)] = &[$((stringify!($name), $text)),*];
    };
}

statements! {
    NUMBER_NEXT =
        "UPDATE counters SET value = value + 1 WHERE name = $1 RETURNING value";

    USER_ADD =
        "INSERT INTO users (name, password_hash, roles, permissions, disabled) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO NOTHING";
    USER_CHANGED =
        "INSERT INTO user_changes (revision, name, changed_at) VALUES ($1, $2, $3) \
         ON CONFLICT (name) DO UPDATE \
         SET revision = excluded.revision, changed_at = excluded.changed_at";
    USER_CHANGES =
        "SELECT c.revision, c.changed_at, c.name, u.disabled, u.roles, u.permissions \
         FROM user_changes c LEFT JOIN users u ON u.name = c.name \
         WHERE c.revision > $1 ORDER BY c.revision LIMIT $2";
    USER_FIND =
        "SELECT name, password_hash, roles, permissions, disabled FROM users WHERE name = $1";
    USER_LIST =
        "SELECT name, password_hash, roles, permissions, disabled FROM users \
         WHERE name > $1 ORDER BY name LIMIT $2";
    USER_REMOVE =
        "DELETE FROM users WHERE name = $1";
    USER_SET_DISABLED =
        "UPDATE users SET disabled = $2 WHERE name = $1";
    USER_SET_GRANTS =
        "UPDATE users SET roles = $2, permissions = $3 WHERE name = $1";
    USER_SET_PASSWORD_HASH =
        "UPDATE users SET password_hash = $3 WHERE name = $1 AND password_hash = $2";

    FAMILY_ADD =
        "INSERT INTO refresh_families \
         (id, number, user_name, session, started_at, expires_at, access_seconds, rotations) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, 0) ON CONFLICT (id) DO NOTHING";
    FAMILY_DELETE =
        "DELETE FROM refresh_families WHERE id = $1";
    FAMILY_DELETE_BEYOND =
        "DELETE FROM refresh_families WHERE id IN \
         (SELECT id FROM refresh_families \
          WHERE user_name = $1 AND expires_at > $2 AND id <> $3 \
          ORDER BY started_at DESC, number DESC LIMIT $4 OFFSET $5)";
    FAMILY_DELETE_ENDED =
        "DELETE FROM refresh_families WHERE id IN \
         (SELECT id FROM refresh_families WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)";
    FAMILY_DELETE_OF_SESSION =
        "DELETE FROM refresh_families WHERE user_name = $1 AND session = $2";
    FAMILY_DELETE_OF_USER =
        "DELETE FROM refresh_families WHERE user_name = $1";
    FAMILY_ROTATED =
        "UPDATE refresh_families SET rotations = rotations + 1 WHERE id = $1";
    TOKEN_ADD =
        "INSERT INTO refresh_tokens (hash, family) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING";
    TOKEN_FIND =
        "SELECT t.used_at, s.hash IS NOT NULL AND s.used_at IS NULL, f.rotations, \
         f.id, f.user_name, f.session, f.expires_at, f.access_seconds \
         FROM refresh_tokens t JOIN refresh_families f ON f.id = t.family \
         LEFT JOIN refresh_tokens s ON s.hash = t.successor WHERE t.hash = $1";
    TOKEN_USED =
        "UPDATE refresh_tokens SET used_at = $2, successor = $3 WHERE hash = $1";

    REVOCATION_ADD =
        "INSERT INTO revocations \
         (kind, id, session_kind, issuer, session, user_name, moment, ends_at, sequence) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    REVOCATION_DELETE_ENDED =
        "DELETE FROM revocations WHERE sequence IN \
         (SELECT sequence FROM revocations WHERE ends_at < $1 ORDER BY ends_at LIMIT $2)";
    REVOCATION_FIND =
        "SELECT sequence, moment, ends_at FROM revocations WHERE kind = $1 AND id = $2 \
         AND session_kind = $3 AND issuer = $4 AND session = $5 AND user_name = $6";
    REVOCATION_REPLACE =
        "UPDATE revocations SET moment = $2, ends_at = $3, sequence = $4 WHERE sequence = $1";
    REVOCATIONS_AFTER =
        "SELECT sequence, kind, id, session_kind, issuer, session, user_name, moment, ends_at \
         FROM revocations WHERE sequence > $1 ORDER BY sequence LIMIT $2";

    SESSION_ADD =
        "INSERT INTO sessions (name, owner, created_at) VALUES ($1, $2, $3)";
    SESSION_COUNT =
        "SELECT COUNT(*) FROM sessions WHERE owner = $1";
    SESSION_DELETE =
        "DELETE FROM sessions WHERE name = $1 AND owner = $2";
    SESSION_FIND =
        "SELECT s.owner, h.user_name IS NOT NULL FROM sessions s \
         LEFT JOIN session_shares h ON h.session = s.name AND h.user_name = $2 \
         WHERE s.name = $1";
    SESSIONS_OWNED =
        "SELECT s.name, s.created_at, h.user_name FROM sessions s \
         LEFT JOIN session_shares h ON h.session = s.name \
         WHERE s.owner = $1 ORDER BY s.name, h.user_name";
    SHARE_ADD =
        "INSERT INTO session_shares (session, user_name) VALUES ($1, $2)";
    SHARE_COUNT =
        "SELECT COUNT(*) FROM session_shares WHERE session = $1";
    SHARE_DELETE =
        "DELETE FROM session_shares WHERE session = $1 AND user_name = $2";
}
