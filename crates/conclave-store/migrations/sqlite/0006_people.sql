-- What users say of themselves, and when the server first heard of them: of those who were there
-- before, the first room that they are in, else when they were last there.
ALTER TABLE profiles ADD COLUMN bio TEXT;
ALTER TABLE profiles ADD COLUMN joined_at INTEGER CHECK (joined_at >= 0);
UPDATE profiles SET joined_at = COALESCE(
  (SELECT MIN(m.joined_at) FROM members m WHERE m.user_id = profiles.user_id), last_seen);
