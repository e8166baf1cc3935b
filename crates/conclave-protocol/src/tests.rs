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
