//! Every SQL text of the ports. They use what `SQLite` and `PostgreSQL` share: `$n` parameters,
//! `ON CONFLICT`, `RETURNING`; texts compare byte by byte.

/// `NAME = text;`, or `NAME = text of SQLite => text of PostgreSQL;`.
macro_rules! statements {
    ($($name:ident = $text:expr $(=> $postgres:expr)?;)*) => {
        $(
            pub(crate) const $name: $crate::sql::Statement =
                $crate::sql::Statement::new($text, &[$($postgres)?]);
        )*

        /// All of them by name, for the test of the query plans.
        #[cfg(test)]
        pub(crate) const ALL: &[(&str, $crate::sql::Statement)] =
            &[$((stringify!($name), $name)),*];
    };
}

pub(crate) use statements;

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

    API_KEY_ADD =
        "INSERT INTO api_keys \
         (id, hash, name, permissions, created_at, expires_at, revoked_at, last_used) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
    API_KEY_FIND =
        "SELECT id, name, permissions, created_at, expires_at, revoked_at, last_used \
         FROM api_keys WHERE hash = $1";
    API_KEY_LIST =
        "SELECT id, name, permissions, created_at, expires_at, revoked_at, last_used \
         FROM api_keys WHERE id > $1 ORDER BY id LIMIT $2";
    API_KEY_REVOKE =
        "UPDATE api_keys SET revoked_at = COALESCE(revoked_at, $2) WHERE id = $1";
    API_KEY_USED =
        "UPDATE api_keys SET last_used = $2 \
         WHERE id = $1 AND (last_used IS NULL OR last_used < $2)";

    CALL_ABANDON =
        "DELETE FROM repeatable_calls WHERE id = $1 AND began_at = $2 AND status IS NULL";
    CALL_BEGIN =
        "INSERT INTO repeatable_calls (id, body_hash, began_at, ends_at) \
         VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO UPDATE \
         SET body_hash = excluded.body_hash, began_at = excluded.began_at, \
         ends_at = excluded.ends_at, status = NULL, headers = NULL, body = NULL \
         WHERE repeatable_calls.ends_at <= excluded.began_at";
    CALL_DELETE_ENDED =
        "DELETE FROM repeatable_calls WHERE id IN \
         (SELECT id FROM repeatable_calls WHERE ends_at < $1 ORDER BY ends_at LIMIT $2)";
    CALL_FIND =
        "SELECT body_hash, status, headers, body FROM repeatable_calls WHERE id = $1";
    CALL_FINISH =
        "UPDATE repeatable_calls SET status = $3, headers = $4, body = $5, ends_at = $6 \
         WHERE id = $1 AND began_at = $2 AND status IS NULL";

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

    ANSWERS_ADD_TO_ROOM =
        "UPDATE rooms SET answers = answers + $2, answer_prompt = answer_prompt + $3, \
         answer_completion = answer_completion + $4 WHERE id = $1";
    ANSWERS_ADD_TO_USER =
        "INSERT INTO answer_sums (user_id, answers, prompt, completion, period, in_period) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (user_id) DO UPDATE \
         SET answers = answer_sums.answers + excluded.answers, \
         prompt = answer_sums.prompt + excluded.prompt, \
         completion = answer_sums.completion + excluded.completion, \
         in_period = excluded.in_period + CASE WHEN answer_sums.period = excluded.period \
         THEN answer_sums.in_period ELSE 0 END, period = excluded.period";
    ANSWERS_OF_ROOM =
        "SELECT answers, answer_prompt, answer_completion FROM rooms WHERE id = $1";
    ANSWERS_OF_USER =
        "SELECT answers, prompt, completion, CASE WHEN period = $2 THEN in_period ELSE 0 END \
         FROM answer_sums WHERE user_id = $1";

    LEASE_BEAT =
        "UPDATE leases SET beat = beat + 1 WHERE name = $1 AND holder = $2 RETURNING fence";
    LEASE_FIND =
        "SELECT holder, fence, beat FROM leases WHERE name = $1";
    LEASE_FENCE =
        "SELECT fence FROM leases WHERE name = $1"
        => "SELECT fence FROM leases WHERE name = $1 FOR SHARE";
    LEASE_RELEASE =
        "UPDATE leases SET holder = NULL WHERE name = $1 AND holder = $2";
    LEASES_OF_OTHERS =
        "SELECT l.name FROM json_each($1) n CROSS JOIN leases l ON l.name = n.value \
         WHERE l.holder <> $2"
        => "SELECT name FROM leases WHERE name = ANY($1) AND holder <> $2";
    LEASE_TAKE =
        "INSERT INTO leases (name, holder, fence, beat) VALUES ($1, $2, 1, 0) \
         ON CONFLICT (name) DO UPDATE \
         SET holder = excluded.holder, fence = leases.fence + 1, beat = 0 RETURNING fence";

    WALLET_ADD =
        "INSERT INTO wallets (user_name, address, chain_id, linked_at) \
         SELECT $1, $2, $3, $4 WHERE \
         EXISTS (SELECT 1 FROM wallets WHERE user_name = $1 AND address = $2) \
         OR (SELECT count(*) FROM wallets WHERE user_name = $1) < $5 \
         ON CONFLICT (user_name, address) DO UPDATE SET chain_id = excluded.chain_id"
        => "INSERT INTO wallets (user_name, address, chain_id, linked_at) \
         SELECT $1::TEXT, $2::BYTEA, $3::BIGINT, $4::BIGINT WHERE \
         EXISTS (SELECT 1 FROM wallets WHERE user_name = $1 AND address = $2) \
         OR (SELECT count(*) FROM wallets WHERE user_name = $1) < $5 \
         ON CONFLICT (user_name, address) DO UPDATE SET chain_id = excluded.chain_id";
    WALLET_DELETE =
        "DELETE FROM wallets WHERE user_name = $1 AND address = $2";
    WALLET_LIST =
        "SELECT address, chain_id, linked_at FROM wallets WHERE user_name = $1 \
         ORDER BY linked_at, address";
    WALLET_NONCE_ADD =
        "INSERT INTO wallet_nonces (hash, user_name, expires_at) VALUES ($1, $2, $3)";
    WALLET_NONCE_DELETE_BEYOND =
        "DELETE FROM wallet_nonces WHERE hash IN \
         (SELECT hash FROM wallet_nonces WHERE user_name = $1 \
          ORDER BY expires_at DESC LIMIT $2 OFFSET $3)";
    WALLET_NONCE_DELETE_ENDED =
        "DELETE FROM wallet_nonces WHERE hash IN \
         (SELECT hash FROM wallet_nonces WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
    WALLET_NONCE_TAKE =
        "DELETE FROM wallet_nonces WHERE hash = $1 AND user_name = $2 AND expires_at > $3";

    WEBHOOK_ADD =
        "INSERT INTO webhooks (name, number) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    WEBHOOK_DELETE =
        "DELETE FROM webhooks WHERE name = $1";
    WEBHOOK_DONE =
        "UPDATE webhooks SET number = $2, failing_since = NULL \
         WHERE name = $1 AND (number < $2 OR failing_since IS NOT NULL)";
    WEBHOOK_EXPIRED =
        "UPDATE webhooks SET number = $2 WHERE name = $1 AND number < $2";
    WEBHOOK_FAILING =
        "UPDATE webhooks SET failing_since = $2 WHERE name = $1 AND failing_since IS NULL";
    WEBHOOK_FIND =
        "SELECT number, failing_since FROM webhooks WHERE name = $1";
    WEBHOOK_NEXT =
        "SELECT name FROM webhooks WHERE name > $1 ORDER BY name LIMIT 1";
    WEBHOOK_LOG_COUNT =
        "SELECT COUNT(*) FROM events WHERE number > $1 AND number <= $2 \
         AND CASE WHEN kind IN ('edited', 'erased', 'message') THEN $3 ELSE $4 END";
    WEBHOOK_LOG_FIRST_SINCE =
        "SELECT number FROM events WHERE number > $1 AND at >= $2 ORDER BY number LIMIT 1";
    WEBHOOK_QUEUE_ADD =
        "INSERT INTO webhook_queue (webhook, kind, number, at, data) \
         SELECT name, $2, $3, $4, $5 FROM webhooks WHERE name = $1";
    WEBHOOK_QUEUE_COUNT =
        "SELECT COUNT(*) FROM webhook_queue WHERE webhook = $1";
    WEBHOOK_QUEUE_DONE =
        "DELETE FROM webhook_queue WHERE webhook = $1 AND id <= $2";
    WEBHOOK_QUEUE_EXPIRE =
        "DELETE FROM webhook_queue WHERE id IN \
         (SELECT id FROM webhook_queue WHERE webhook = $1 ORDER BY id LIMIT $3) AND at < $2";
    WEBHOOK_QUEUE_LIST =
        "SELECT id, kind, number, at, data FROM webhook_queue \
         WHERE webhook = $1 ORDER BY id LIMIT $2";
}
