use super::*;

#[test]
fn names_are_checked() {
    assert_eq!(TopicName::new("a|b"), Err(NameError::Separator));
    assert_eq!(TopicName::new(""), Err(NameError::Empty));
    assert_eq!(TopicName::new("a\nb"), Err(NameError::Control));
    assert_eq!(UserId::new(&"x".repeat(256)), Err(NameError::Long));
    assert_eq!(
        UserId::new("a|b").map(|user| user.to_string()),
        Ok("a|b".to_owned())
    );
}

#[test]
fn grants_cover_subjects_by_pattern() {
    let grants = Grants::new(["topic.publish:orders.*", "topic.subscribe", "chat:send"]);
    assert!(grants.allow(Permission::TopicPublish, "orders.new"));
    assert!(!grants.allow(Permission::TopicPublish, "prices"));
    assert!(!grants.allow(Permission::TopicPublish, ""));
    assert!(grants.allow(Permission::TopicSubscribe, "prices"));
    assert!(grants.allow_named("chat:send", ""));
    assert!(!grants.allow_named("chat", ""));
    assert!(!Grants::new(["topic.publishers"]).allow(Permission::TopicPublish, "x"));
    assert!(Grants::new(["admin"]).allow(Permission::SystemMonitor, ""));
}

#[test]
fn default_session_is_shown_with_its_prefix() {
    let id = SessionId {
        kind: SessionKind::Default,
        issuer: IssuerId(0),
        name: SessionName::new("user123").unwrap(),
    };
    assert_eq!(id.shown(), "session-user123");
    assert!(id.is_shown_as("session-user123"));
    assert!(!id.is_shown_as("user123"));
}

#[test]
fn moments_are_written_with_milliseconds() {
    let written = |millis| Timestamp::from_millis(millis).rfc3339();
    assert_eq!(written(0), "1970-01-01T00:00:00.000Z");
    assert_eq!(written(1_706_091_937_120), "2024-01-24T10:25:37.120Z");
    assert_eq!(written(u64::MAX), "9999-12-30T22:00:00.999Z");
}
