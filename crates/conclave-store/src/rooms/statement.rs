//! Every SQL text of rooms, in what `SQLite` and `PostgreSQL` share.
//!
//! A text of several statements is one trip to the database; another one can join the same
//! statements by `WITH`. Only the last of them gives rows.
//!
//! What a member has not seen is counted, not read: the messages after a position are
//! `rooms.sent` less the position's ordinal. Less the member's own ones that live, and less those
//! that were deleted, which are counted over the entries of two indices that hold no other: so
//! the cost grows with what a user has written, and what was deleted, since the user was there
//! last; not with what others wrote.

use crate::statement::statements;

/// A message `g` and the profile `p` of its author.
macro_rules! message_columns {
    () => {
        "g.id AS message_id, g.seq AS message_seq, g.author, \
         COALESCE(p.name, p.token_name) AS author_name, p.avatar AS author_avatar, \
         g.kind AS message_kind, g.content, g.reply_to, g.client_id, \
         g.created_at AS sent_at, g.updated_at, g.deleted_at, g.answer"
    };
}

/// Of two times that a user was there the later one counts.
macro_rules! seen_later {
    () => {
        "ON CONFLICT (user_id) DO UPDATE SET last_seen = excluded.last_seen \
         WHERE profiles.last_seen IS NULL OR profiles.last_seen < excluded.last_seen"
    };
}

/// A room `r`.
macro_rules! room_columns {
    () => {
        "r.key, r.id, r.kind, r.name, r.description, r.owner, r.assistant, r.created_at, \
         r.last_seq, r.sent, r.members, r.messages"
    };
}

/// Messages of others, not deleted, after the position of member `m` of room `r`, who is `$2`.
macro_rules! after_position {
    ($seq:literal, $ordinal:literal) => {
        concat!(
            "r.sent - m.",
            $ordinal,
            " - (SELECT COUNT(*) FROM messages o WHERE o.room = m.room AND o.author = m.user_id \
              AND o.seq > m.",
            $seq,
            " AND o.deleted_at IS NULL) \
             - (SELECT COUNT(*) FROM messages d WHERE d.room = m.room AND d.seq > m.",
            $seq,
            " AND d.deleted_at IS NOT NULL)"
        )
    };
}

/// A room `r`, what member `m` is there, and what that one has not seen.
macro_rules! view_columns {
    () => {
        concat!(
            room_columns!(),
            ", m.role, ",
            after_position!("seen_seq", "seen_ordinal"),
            " AS unread"
        )
    };
}

statements! {
    ROOM_ADD =
        "INSERT INTO rooms (id, kind, name, description, owner, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING RETURNING key";
    ROOM_BY_KEY =
        concat!("SELECT ", room_columns!(), " FROM rooms r WHERE r.key = $1");
    ROOM_COUNT_MEMBERS =
        "UPDATE rooms SET members = members + $2 WHERE key = $1";
    ROOM_DELETE =
        "DELETE FROM rooms WHERE key = $1";
    ROOM_DESCRIBE =
        "UPDATE rooms SET name = $2, description = $3, assistant = $4 WHERE key = $1";
    ROOM_GIVE =
        "UPDATE rooms SET owner = $2 WHERE key = $1";
    ROOM_STANDING =
        concat!(
            "SELECT ", room_columns!(), ", m.role, \
             i.id AS invitation, b.user_id IS NOT NULL AS banned \
             FROM rooms r LEFT JOIN members m ON m.room = r.key AND m.user_id = $2 \
             LEFT JOIN invitations i \
             ON i.room = r.key AND i.invitee = $2 AND i.state = 'PENDING' \
             LEFT JOIN bans b ON b.room = r.key AND b.user_id = $2 WHERE r.id = $1"
        );
    ROOM_VIEW =
        concat!(
            "SELECT ", view_columns!(), " FROM rooms r \
             LEFT JOIN members m ON m.room = r.key AND m.user_id = $2 WHERE r.id = $1"
        );
    ROOMS_ALL =
        concat!(
            "SELECT ", view_columns!(), " FROM rooms r \
             LEFT JOIN members m ON m.room = r.key AND m.user_id = $2 \
             WHERE r.id > $1 ORDER BY r.id LIMIT $3"
        );
    ROOMS_OWN =
        concat!(
            "SELECT ", view_columns!(), " FROM members m JOIN rooms r ON r.key = m.room \
             WHERE m.user_id = $2 AND m.room_id > $1 ORDER BY m.room_id LIMIT $3"
        );
    ROOMS_PUBLIC =
        concat!(
            "SELECT ", view_columns!(), " FROM rooms r \
             LEFT JOIN members m ON m.room = r.key AND m.user_id = $2 \
             WHERE r.kind = 'PUBLIC' AND r.id > $1 ORDER BY r.id LIMIT $3"
        );
    ROOM_NEXT =
        "SELECT r.id, m.last_viewed_at \
         FROM members m JOIN rooms r ON r.key = m.room WHERE m.user_id = $1 \
         ORDER BY CASE r.kind WHEN 'PUBLIC' THEN 0 WHEN 'PRIVATE' THEN 1 ELSE 2 END, \
         r.id LIMIT 1";
    ROOMS_OF =
        "SELECT room_id FROM members WHERE user_id = $1 ORDER BY room_id";
    ROOM_HEADS =
        "SELECT m.room_id, r.last_seq, EXISTS (SELECT 1 FROM messages g WHERE g.room = m.room \
         AND g.seq > m.delivered_seq AND g.author <> $1 AND g.deleted_at IS NULL) \
         FROM members m JOIN rooms r ON r.key = m.room WHERE m.user_id = $1 ORDER BY m.room_id";
    ROOMS_OF_EACH =
        "SELECT m.user_id, m.room_id FROM json_each($1) u \
         CROSS JOIN members m ON m.user_id = u.value"
        => "SELECT user_id, room_id FROM members WHERE user_id = ANY($1)";
    // The event of each membership, whatever else happened since.
    MEMBERS_ENTERED =
        "SELECT m.user_id, m.room_id, m.joined_seq, m.joined_at FROM json_each($1) u \
         CROSS JOIN members m ON m.user_id = u.value \
         CROSS JOIN events e ON e.room = m.room AND e.seq = m.joined_seq WHERE e.number > $2"
        => "SELECT m.user_id, m.room_id, m.joined_seq, m.joined_at FROM members m \
         JOIN LATERAL (SELECT number FROM events WHERE room = m.room AND seq = m.joined_seq \
         OFFSET 0) e ON e.number > $2 WHERE m.user_id = ANY($1)";
    ROOMS_OF_COUNT =
        "SELECT COUNT(*) FROM members WHERE user_id = $1";
    ROOM_SHARED =
        "SELECT CAST(1 AS BIGINT) FROM members a JOIN members b ON b.room = a.room AND b.user_id = $2 \
         WHERE a.user_id = $1 LIMIT 1";

    DM_ADD =
        "INSERT INTO dm_pairs (one, other, room) VALUES ($1, $2, $3)";
    DM_FIND =
        "SELECT r.id FROM dm_pairs d JOIN rooms r ON r.key = d.room \
         WHERE d.one = $1 AND d.other = $2";
    DM_MISSING =
        "SELECT d.one, d.other, a.role IS NOT NULL, b.role IS NOT NULL FROM dm_pairs d \
         LEFT JOIN members a ON a.room = d.room AND a.user_id = d.one \
         LEFT JOIN members b ON b.room = d.room AND b.user_id = d.other WHERE d.room = $1";

    MEMBER_ADD =
        "INSERT INTO members (room, user_id, room_id, role, joined_at, joined_seq, \
         delivered_seq, delivered_ordinal, seen_seq, seen_ordinal) \
         VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $6, $7)";
    MEMBER_DELIVERED =
        "UPDATE members SET delivered_seq = $3, delivered_ordinal = $4 \
         WHERE room = $1 AND user_id = $2 AND delivered_seq < $3; \
         INSERT INTO receipt_log (room, user_id, status, seq, at) VALUES ($1, $2, 1, $3, $5)"
        => "WITH risen AS (UPDATE members SET delivered_seq = $3, delivered_ordinal = $4 \
         WHERE room = $1 AND user_id = $2 AND delivered_seq < $3) \
         INSERT INTO receipt_log (room, user_id, status, seq, at) VALUES ($1, $2, 1, $3, $5)";
    MEMBER_FIND =
        "SELECT m.user_id, COALESCE(p.name, p.token_name) AS name, p.avatar, m.role, m.joined_at \
         FROM members m LEFT JOIN profiles p ON p.user_id = m.user_id \
         WHERE m.room = $1 AND m.user_id = $2";
    MEMBERS_FIRST =
        "SELECT user_id FROM members WHERE room = $1 AND joined_seq = 1 ORDER BY user_id";
    MEMBERS_WAITING =
        "SELECT m.user_id FROM events e \
         JOIN messages g ON g.room = e.room AND g.seq = e.target \
         JOIN members m ON m.room = g.room AND m.joined_seq < g.seq \
         WHERE e.number = $1 AND e.kind = 'message' AND g.deleted_at IS NULL \
         AND m.user_id <> g.author AND m.delivered_seq < g.seq ORDER BY m.user_id";
    MEMBER_LIST =
        "SELECT m.user_id, COALESCE(p.name, p.token_name) AS name, p.avatar, m.role, m.joined_at \
         FROM members m LEFT JOIN profiles p ON p.user_id = m.user_id \
         WHERE m.room = $1 AND m.user_id > $2 ORDER BY m.user_id LIMIT $3";
    MEMBER_REMOVE =
        "DELETE FROM members WHERE room = $1 AND user_id = $2";
    MEMBER_ROLE =
        "UPDATE members SET role = $3 WHERE room = $1 AND user_id = $2";
    MEMBER_SEEN =
        "UPDATE members SET seen_seq = $3, seen_ordinal = $4 \
         WHERE room = $1 AND user_id = $2 AND seen_seq < $3; \
         INSERT INTO receipt_log (room, user_id, status, seq, at) VALUES ($1, $2, 2, $3, $5)"
        => "WITH risen AS (UPDATE members SET seen_seq = $3, seen_ordinal = $4 \
         WHERE room = $1 AND user_id = $2 AND seen_seq < $3) \
         INSERT INTO receipt_log (room, user_id, status, seq, at) VALUES ($1, $2, 2, $3, $5)";
    MEMBER_SENIOR =
        "SELECT user_id FROM members WHERE room = $1 AND user_id <> $2 \
         ORDER BY joined_seq, user_id LIMIT 1";
    MEMBER_VIEWED =
        "UPDATE members SET last_viewed_at = $3 WHERE room = $1 AND user_id = $2";
    MEMBERS_SLOWEST =
        "SELECT \
         (SELECT user_id FROM members WHERE room = r.key ORDER BY joined_seq, user_id LIMIT 1) \
         AS joined_user, \
         (SELECT joined_seq FROM members WHERE room = r.key ORDER BY joined_seq, user_id LIMIT 1) \
         AS joined_first, \
         (SELECT joined_seq FROM members WHERE room = r.key ORDER BY joined_seq, user_id \
          LIMIT 1 OFFSET 1) AS joined_second, \
         (SELECT user_id FROM members WHERE room = r.key ORDER BY delivered_seq, user_id LIMIT 1) \
         AS delivered_user, \
         (SELECT delivered_seq FROM members WHERE room = r.key ORDER BY delivered_seq, user_id \
          LIMIT 1) AS delivered_first, \
         (SELECT delivered_seq FROM members WHERE room = r.key ORDER BY delivered_seq, user_id \
          LIMIT 1 OFFSET 1) AS delivered_second, \
         (SELECT user_id FROM members WHERE room = r.key ORDER BY seen_seq, user_id LIMIT 1) \
         AS seen_user, \
         (SELECT seen_seq FROM members WHERE room = r.key ORDER BY seen_seq, user_id LIMIT 1) \
         AS seen_first, \
         (SELECT seen_seq FROM members WHERE room = r.key ORDER BY seen_seq, user_id \
          LIMIT 1 OFFSET 1) AS seen_second \
         FROM rooms r WHERE r.key = $1";

    BAN_ADD =
        "INSERT INTO bans (room, user_id, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING; \
         UPDATE invitations SET state = 'REJECTED' \
         WHERE room = $1 AND invitee = $2 AND state = 'PENDING'"
        => "WITH banned AS (INSERT INTO bans (room, user_id, at) VALUES ($1, $2, $3) \
         ON CONFLICT DO NOTHING) UPDATE invitations SET state = 'REJECTED' \
         WHERE room = $1 AND invitee = $2 AND state = 'PENDING'";

    INVITATION_ADD =
        "INSERT INTO invitations (id, room, inviter, invitee, state, created_at) \
         VALUES ($1, $2, $3, $4, 'PENDING', $5) ON CONFLICT (id) DO NOTHING";
    INVITATION_ANSWER =
        "UPDATE invitations SET state = $2 WHERE id = $1";
    INVITATION_COUNT_OF_ROOM =
        "SELECT COUNT(*) FROM invitations WHERE room = $1 AND state = 'PENDING'";
    INVITATION_COUNT_OF_USER =
        "SELECT COUNT(*) FROM invitations WHERE invitee = $1 AND state = 'PENDING'";
    INVITATION_FIND =
        "SELECT i.id, r.id AS room_id, i.inviter, i.invitee, i.state, i.created_at \
         FROM invitations i JOIN rooms r ON r.key = i.room WHERE i.id = $1";
    INVITATION_LIST =
        "SELECT i.id, r.id AS room_id, i.inviter, i.invitee, i.state, i.created_at \
         FROM invitations i JOIN rooms r ON r.key = i.room \
         WHERE i.invitee = $1 AND i.state = 'PENDING' ORDER BY i.key LIMIT $2";

    EVENT_ADD =
        "UPDATE counters SET value = value + 1 WHERE name = 'event'; \
         UPDATE rooms SET last_seq = $2 WHERE key = $1; \
         INSERT INTO events (number, room, seq, kind, at, target, user_id, role) \
         VALUES ((SELECT value FROM counters WHERE name = 'event'), $1, $2, $3, $4, $5, $6, $7) \
         RETURNING number"
        => "WITH counted AS (UPDATE counters SET value = value + 1 WHERE name = 'event' \
         RETURNING value), grown AS (UPDATE rooms SET last_seq = $2 WHERE key = $1) \
         INSERT INTO events (number, room, seq, kind, at, target, user_id, role) \
         SELECT value, $1, $2, $3, $4, $5, $6, $7 FROM counted RETURNING number";
    EVENT_LIST =
        concat!(
            "SELECT e.number, e.room, r.id AS room_id, e.seq, e.kind, e.at, e.user_id, e.role, ",
            message_columns!(),
            " FROM events e JOIN rooms r ON r.key = e.room \
             LEFT JOIN messages g ON g.room = e.room AND g.seq = e.target \
             LEFT JOIN profiles p ON p.user_id = g.author \
             WHERE e.room = $1 AND e.seq > $2 ORDER BY e.seq LIMIT $3"
        );
    EVENT_BY_NUMBER =
        concat!(
            "SELECT e.number, e.room, r.id AS room_id, e.seq, e.kind, e.at, e.user_id, e.role, ",
            message_columns!(),
            " FROM events e JOIN rooms r ON r.key = e.room \
             LEFT JOIN messages g ON g.room = e.room AND g.seq = e.target \
             LEFT JOIN profiles p ON p.user_id = g.author WHERE e.number = $1"
        );
    EVENT_NEWEST =
        "SELECT COALESCE(MAX(number), 0) FROM events";
    EVENTS_LOGGED =
        concat!(
            "SELECT e.number, e.room, r.id AS room_id, e.seq, e.kind, e.at, e.user_id, e.role, ",
            message_columns!(),
            " FROM events e JOIN rooms r ON r.key = e.room \
             LEFT JOIN messages g ON g.room = e.room AND g.seq = e.target \
             LEFT JOIN profiles p ON p.user_id = g.author \
             WHERE e.number > $1 AND e.number <= $2 \
             AND CASE WHEN e.kind IN ('edited', 'erased', 'message') THEN $3 ELSE $4 END \
             ORDER BY e.number LIMIT $5"
        );
    // A room's numbers grow with its `seq`: what was missed is its end.
    EVENTS_MISSED =
        "SELECT e.number FROM members m JOIN rooms r ON r.key = m.room \
         JOIN events e ON e.room = r.key AND e.seq > COALESCE( \
         (SELECT b.seq FROM events b WHERE b.room = m.room AND b.number <= $2 \
          ORDER BY b.seq DESC LIMIT 1), 0) \
         WHERE m.user_id = $1 ORDER BY e.number LIMIT $3";

    SEND_CHECK =
        concat!(
            "SELECT ", room_columns!(), ", m.role, \
             COALESCE(p.name, p.token_name) AS author_name, p.avatar AS author_avatar, \
             s.id AS sent_before, s.fingerprint, t.seq AS reply_seq, x.seq AS taken_seq \
             FROM rooms r LEFT JOIN members m ON m.room = r.key AND m.user_id = $2 \
             LEFT JOIN profiles p ON p.user_id = $2 \
             LEFT JOIN messages s ON s.room = r.key AND s.author = $2 AND s.client_id = $3 \
             LEFT JOIN messages t ON t.id = $4 AND t.room = r.key \
             LEFT JOIN messages x ON x.id = $5 WHERE r.id = $1"
        );
    // What is usual, in one trip: by a member, to a room that has all its members, of nothing
    // that was sent before. Otherwise nothing is done and no row given. The counts of the room
    // and the event are a trigger's.
    SEND_AT_ONCE =
        "INSERT INTO messages (key, room, seq, id, ordinal, author, kind, content, fingerprint, \
         reply_to, client_id, created_at, updated_at) \
         SELECT c.value + 1, r.key, r.last_seq + 1, $3, r.sent + 1, $2, $4, $5, $6, $7, $8, $9, \
         $9 FROM rooms r JOIN members m ON m.room = r.key AND m.user_id = $2 \
         JOIN counters c ON c.name = 'event' \
         WHERE r.id = $1 AND (r.kind <> 'DM' OR r.members = 2) AND ($7 IS NULL OR EXISTS \
         (SELECT 1 FROM messages t WHERE t.id = $7 AND t.room = r.key)) ON CONFLICT DO NOTHING \
         RETURNING key, seq, \
         (SELECT COALESCE(p.name, p.token_name) FROM profiles p WHERE p.user_id = $2), \
         (SELECT p.avatar FROM profiles p WHERE p.user_id = $2)";
    SEND_STORE =
        "INSERT INTO messages (key, room, seq, id, ordinal, author, kind, content, fingerprint, \
         reply_to, client_id, created_at, updated_at, answer) \
         VALUES ((SELECT value + 1 FROM counters WHERE name = 'event'), \
         $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12) RETURNING key"
        => "WITH counted AS (UPDATE counters SET value = value + 1 WHERE name = 'event' \
         RETURNING value), grown AS (UPDATE rooms SET last_seq = $2, sent = $4, \
         messages = messages + 1 WHERE key = $1), logged AS (INSERT INTO events \
         (number, room, seq, kind, at, target) SELECT value, $1, $2, 'message', $11, $2 \
         FROM counted) INSERT INTO messages (key, room, seq, id, ordinal, author, kind, \
         content, fingerprint, reply_to, client_id, created_at, updated_at, answer) \
         SELECT value, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12 FROM counted \
         RETURNING key";
    MESSAGE_EDIT =
        "UPDATE messages SET content = $3, updated_at = $4 WHERE room = $1 AND seq = $2";
    // Shorter than what it replaces, so the page's free bytes are overwritten (`secure_delete`).
    MESSAGE_ERASE =
        "UPDATE messages SET content = '', fingerprint = NULL, deleted_at = $3 \
         WHERE room = $1 AND seq = $2; \
         UPDATE rooms SET messages = messages - 1 WHERE key = $1"
        => "WITH erased AS (UPDATE messages SET content = '', fingerprint = NULL, \
         deleted_at = $3 WHERE room = $1 AND seq = $2) \
         UPDATE rooms SET messages = messages - 1 WHERE key = $1";
    MESSAGE_PLACE =
        "SELECT m.room_id, g.seq FROM messages g \
         JOIN members m ON m.room = g.room AND m.user_id = $2 WHERE g.id = $1";
    MESSAGE_STANDING =
        concat!(
            "SELECT ", room_columns!(), ", ", message_columns!(), ", g.ordinal, \
             m.role, m.joined_seq, m.delivered_seq, m.seen_seq \
             FROM messages g JOIN rooms r ON r.key = g.room \
             LEFT JOIN members m ON m.room = g.room AND m.user_id = $2 \
             LEFT JOIN profiles p ON p.user_id = g.author WHERE g.id = $1"
        );
    MESSAGES_BEFORE =
        concat!(
            "SELECT ", message_columns!(), " FROM messages g \
             LEFT JOIN profiles p ON p.user_id = g.author \
             WHERE g.room = $1 AND g.seq < $2 ORDER BY g.seq DESC LIMIT $3"
        );
    MESSAGES_AFTER =
        concat!(
            "SELECT ", message_columns!(), " FROM messages g \
             LEFT JOIN profiles p ON p.user_id = g.author \
             WHERE g.room = $1 AND g.seq > $2 AND g.seq < $3 ORDER BY g.seq LIMIT $4"
        );
    MESSAGES_BESIDE =
        "SELECT EXISTS (SELECT 1 FROM messages g WHERE g.room = r.key AND g.seq < $2), \
         EXISTS (SELECT 1 FROM messages g WHERE g.room = r.key AND g.seq > $3) \
         FROM rooms r WHERE r.key = $1";

    RECEIPTS_COVERED =
        "SELECT g.id, g.author FROM messages g \
         WHERE g.room = $1 AND g.seq > $2 AND g.seq <= $3 AND g.author <> $4 \
         AND g.deleted_at IS NULL ORDER BY g.seq DESC LIMIT $5";
    RECEIPT_LIST =
        "SELECT m.user_id, m.delivered_seq, m.seen_seq, \
         (SELECT l.at FROM receipt_log l WHERE l.room = m.room AND l.user_id = m.user_id \
          AND l.status = 1 AND l.seq >= $2 ORDER BY l.seq LIMIT 1) AS delivered_at, \
         (SELECT l.at FROM receipt_log l WHERE l.room = m.room AND l.user_id = m.user_id \
          AND l.status = 2 AND l.seq >= $2 ORDER BY l.seq LIMIT 1) AS seen_at \
         FROM members m WHERE m.room = $1 AND m.user_id <> $3 AND +m.joined_seq < $2 \
         ORDER BY m.user_id LIMIT $4";

    OFFLINE_ANY =
        "SELECT CAST(1 AS BIGINT) FROM members m \
         JOIN messages g ON g.room = m.room AND g.seq > m.delivered_seq \
         WHERE m.user_id = $1 AND g.author <> $1 AND g.deleted_at IS NULL LIMIT 1";
    OFFLINE_COUNT =
        concat!(
            "SELECT ", after_position!("delivered_seq", "delivered_ordinal"),
            " FROM members m JOIN rooms r ON r.key = m.room WHERE m.user_id = $1"
        );
    OFFLINE_LIST =
        concat!(
            "SELECT m.room, m.room_id, ", message_columns!(), " FROM members m \
             JOIN messages g ON g.room = m.room AND g.seq > \
             CASE WHEN m.room_id = $2 AND m.delivered_seq < $3 THEN $3 ELSE m.delivered_seq END \
             LEFT JOIN profiles p ON p.user_id = g.author \
             WHERE m.user_id = $1 AND m.room_id >= $2 AND g.author <> $1 \
             AND g.deleted_at IS NULL ORDER BY m.room_id, g.seq LIMIT $4"
        );

    PROFILE_FIND =
        "SELECT COALESCE(name, token_name) AS name, avatar, token_name, \
         bio, joined_at FROM profiles WHERE user_id = $1";
    PROFILE_NAME =
        "INSERT INTO profiles (user_id, token_name, joined_at) VALUES ($1, $2, $3) \
         ON CONFLICT (user_id) DO UPDATE SET token_name = excluded.token_name";
    PROFILE_SEEN =
        concat!(
            "INSERT INTO profiles (user_id, last_seen, joined_at) \
             SELECT value, $2, $2 FROM json_each($1) u WHERE 1 = 1 ", seen_later!()
        )
        => concat!(
            "INSERT INTO profiles (user_id, last_seen, joined_at) \
             SELECT DISTINCT u, $2, $2 FROM UNNEST($1::TEXT[]) u ", seen_later!()
        );
    PROFILES_SEEN =
        "SELECT p.user_id, p.last_seen FROM json_each($1) u \
         CROSS JOIN profiles p ON p.user_id = u.value WHERE p.last_seen IS NOT NULL"
        => "SELECT user_id, last_seen FROM profiles \
         WHERE user_id = ANY($1) AND last_seen IS NOT NULL";
    PROFILE_UPDATE =
        "INSERT INTO profiles (user_id, name, avatar, bio, joined_at) \
         VALUES ($1, $2, NULLIF($3, ''), NULLIF($4, ''), $5) \
         ON CONFLICT (user_id) DO UPDATE SET name = COALESCE(excluded.name, profiles.name), \
         avatar = CASE WHEN $3 IS NULL THEN profiles.avatar ELSE excluded.avatar END, \
         bio = CASE WHEN $4 IS NULL THEN profiles.bio ELSE excluded.bio END";

    REMAINS_ADD =
        "INSERT INTO room_remains (room) VALUES ($1)";
    REMAINS_DONE =
        "DELETE FROM room_remains WHERE room = $1";
    REMAINS_FIRST =
        "SELECT room FROM room_remains ORDER BY room LIMIT 1";
    REMAINS_EVENTS =
        "DELETE FROM events WHERE number IN \
         (SELECT number FROM events WHERE room = $1 ORDER BY seq LIMIT $2)";
    REMAINS_MESSAGES =
        "DELETE FROM messages WHERE key IN \
         (SELECT key FROM messages WHERE room = $1 ORDER BY seq LIMIT $2)";
    REMAINS_RECEIPTS =
        "DELETE FROM receipt_log WHERE (room, user_id, status, seq) IN \
         (SELECT room, user_id, status, seq FROM receipt_log WHERE room = $1 LIMIT $2)";
}
