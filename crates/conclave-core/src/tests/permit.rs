use std::borrow::Cow;

use conclave_protocol::{
    Channel, IssuerId, Permission, Principal, Publish, Refusal, SessionId, SessionKind, Subscribe,
    TopicPresence, Unsubscribe,
};

use super::{broadcast, message, principal, session, topic};
use crate::{Denied, Guarded, Listen, authorise};

/// A row of the table: what the command comes to for the principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Allowed,
    Refused(Denied),
}

use Outcome::{Allowed, Refused};

const ANONYMOUS: Outcome = Refused(Denied::Anonymous);
const SESSION: Outcome = Refused(Denied::Session);
const BROADCAST: Outcome = Refused(Denied::Permission(Permission::TopicBroadcast));
const PUBLISH: Outcome = Refused(Denied::Permission(Permission::TopicPublish));
const SUBSCRIBE: Outcome = Refused(Denied::Permission(Permission::TopicSubscribe));

#[derive(Clone, Copy, Debug)]
enum Ask {
    Broadcast,
    Listen,
    Presence,
    Publish,
    Subscribe,
    Unsubscribe,
}

/// In the order of the tables below.
const ASKS: [Ask; 6] = [
    Ask::Broadcast,
    Ask::Listen,
    Ask::Presence,
    Ask::Publish,
    Ask::Subscribe,
    Ask::Unsubscribe,
];

/// Asks for `name` in the session called `named`; the permit's channel where it was given.
fn ask(who: &Principal, ask: Ask, named: Option<&str>, name: &str) -> Result<Channel, Denied> {
    fn channel<C: Guarded>(who: &Principal, command: C) -> Result<Channel, Denied> {
        authorise(who, command).map(|permit| permit.channel().clone())
    }
    let topic = topic(name);
    match ask {
        Ask::Broadcast => channel(who, broadcast("")),
        Ask::Listen => channel(who, Listen),
        Ask::Presence => channel(who, TopicPresence { topic }),
        Ask::Publish => {
            let session = named.map(Cow::Borrowed);
            channel(
                who,
                Publish {
                    session,
                    topic,
                    message: message("1"),
                },
            )
        }
        Ask::Subscribe => channel(
            who,
            Subscribe {
                topic,
                session: named,
                since: None,
            },
        ),
        Ask::Unsubscribe => channel(
            who,
            Unsubscribe {
                topic,
                session: named,
            },
        ),
    }
}

/// Asks for the topic `orders.new` in one's own session.
#[track_caller]
fn check(who: &Principal, expected: [Outcome; 6]) {
    for (command, outcome) in ASKS.into_iter().zip(expected) {
        let came = ask(who, command, None, "orders.new").map_or_else(Refused, |_| Allowed);
        assert_eq!(
            came, outcome,
            "{command:?} of {:?} with {:?}",
            who.user, who.grants
        );
    }
}

#[test]
fn a_command_needs_its_permission() {
    // The grants; whether they allow to broadcast, to publish, to subscribe.
    let table: [(&[&str], [bool; 3]); 15] = [
        (&[], [false, false, false]),
        (&["admin"], [true, true, true]),
        (&["topic.broadcast"], [true, false, false]),
        (&["topic.publish"], [false, true, false]),
        (&["topic.subscribe"], [false, false, true]),
        (&["topic.publish", "topic.subscribe"], [false, true, true]),
        // Patterns: the whole name, a beginning, everything, others' names and beginnings.
        (&["topic.publish:orders.new"], [false, true, false]),
        (&["topic.publish:orders.*"], [false, true, false]),
        (&["topic.subscribe:*"], [false, false, true]),
        (
            &["topic.publish:orders", "topic.subscribe:orders.new.*"],
            [false, false, false],
        ),
        (
            &["topic.publish:prices.*", "topic.subscribe:*.new"],
            [false, false, false],
        ),
        // A pattern never covers what has no subject.
        (&["topic.broadcast:*"], [false, false, false]),
        // Names that only look alike.
        (
            &["topic.publisher", "topic.subscribe.all", "topic", "topic.*"],
            [false, false, false],
        ),
        (
            &["admin:*", "Admin", "*", "TOPIC.PUBLISH", " topic.subscribe"],
            [false, false, false],
        ),
        (
            &["system.monitor", "topic.publish:", "topic.subscribe:"],
            [false, false, false],
        ),
    ];
    for (grants, [broadcast, publish, subscribe]) in table {
        let broadcast = if broadcast { Allowed } else { BROADCAST };
        let publish = if publish { Allowed } else { PUBLISH };
        let subscribe = if subscribe { Allowed } else { SUBSCRIBE };
        for kind in [SessionKind::Default, SessionKind::Named] {
            let who = principal(Some("ann"), session(kind, "ann"), grants);
            check(
                &who,
                [broadcast, Allowed, subscribe, publish, subscribe, Allowed],
            );
        }
        // Without a token there is no broadcast stream, whatever the grants.
        let nobody = principal(None, session(SessionKind::Anonymous, "ann"), grants);
        check(
            &nobody,
            [ANONYMOUS, ANONYMOUS, subscribe, publish, subscribe, Allowed],
        );
    }
}

#[test]
fn a_session_is_named_as_it_is_shown_or_not_at_all() {
    let grants = ["topic.publish", "topic.subscribe"];
    // The principal's session, the name that the client says, the outcome.
    let cases = [
        (SessionKind::Default, "ann", None, Allowed),
        (SessionKind::Default, "ann", Some("session-ann"), Allowed),
        (SessionKind::Default, "ann", Some("ann"), SESSION),
        (SessionKind::Default, "ann", Some("session-bob"), SESSION),
        (
            SessionKind::Default,
            "ann",
            Some("session-session-ann"),
            SESSION,
        ),
        (SessionKind::Default, "ann", Some("SESSION-ann"), SESSION),
        (SessionKind::Default, "ann", Some(""), SESSION),
        (SessionKind::Default, "ann", Some("session-ann "), SESSION),
        (SessionKind::Default, "ann", Some("session-ann|x"), SESSION),
        (SessionKind::Named, "work", Some("work"), Allowed),
        (SessionKind::Named, "work", Some("session-work"), SESSION),
        (SessionKind::Named, "work", Some("wor"), SESSION),
        (
            SessionKind::Named,
            "session-ann",
            Some("session-ann"),
            Allowed,
        ),
        (SessionKind::Named, "session-ann", Some("ann"), SESSION),
        (SessionKind::Anonymous, "lobby", Some("lobby"), Allowed),
        (
            SessionKind::Anonymous,
            "lobby",
            Some("session-lobby"),
            SESSION,
        ),
        (SessionKind::Anonymous, "lobby", Some("hall"), SESSION),
    ];
    for (kind, name, named, outcome) in cases {
        let who = principal(Some("ann"), session(kind, name), &grants);
        for command in [Ask::Publish, Ask::Subscribe, Ask::Unsubscribe] {
            let came = ask(&who, command, named, "t").map(|_| ());
            let came = came.map_or_else(Refused, |()| Allowed);
            assert_eq!(came, outcome, "{command:?} of {kind:?} {name} in {named:?}");
        }
    }
}

/// Whatever a client says, a permit is about its own session.
#[test]
fn two_sessions_cannot_reach_each_other() {
    let mut sessions = Vec::new();
    for kind in [
        SessionKind::Anonymous,
        SessionKind::Default,
        SessionKind::Named,
    ] {
        for issuer in [IssuerId(0), IssuerId(1)] {
            for name in ["ann", "bob", "session-ann", "session-bob"] {
                sessions.push(SessionId {
                    issuer,
                    ..session(kind, name)
                });
            }
        }
    }
    let mut names: Vec<String> = sessions.iter().map(SessionId::shown).collect();
    names.extend(sessions.iter().map(|session| session.name.to_string()));
    let mut channels = std::collections::HashMap::new();
    for own in &sessions {
        let who = principal(Some("ann"), own.clone(), &["admin"]);
        for named in names.iter().map(|name| Some(name.as_str())).chain([None]) {
            for command in [
                Ask::Presence,
                Ask::Publish,
                Ask::Subscribe,
                Ask::Unsubscribe,
            ] {
                let Ok(channel) = ask(&who, command, named, "t") else {
                    continue;
                };
                assert_eq!(
                    channel,
                    Channel::Topic {
                        session: own.clone(),
                        name: topic("t")
                    }
                );
                let owner = channels.entry(channel).or_insert(own);
                assert_eq!(*owner, own, "a channel of two sessions");
            }
        }
    }
    assert_eq!(
        channels.len(),
        sessions.len(),
        "each reaches its own, and only that"
    );
}

#[test]
fn sessions_of_equal_shown_names_are_different() {
    let alike = [
        session(SessionKind::Default, "ann"),
        session(SessionKind::Named, "session-ann"),
        session(SessionKind::Anonymous, "session-ann"),
        SessionId {
            issuer: IssuerId(1),
            ..session(SessionKind::Default, "ann")
        },
        SessionId {
            issuer: IssuerId(1),
            ..session(SessionKind::Named, "session-ann")
        },
    ];
    let mut channels = std::collections::HashSet::new();
    for own in alike {
        assert_eq!(own.shown(), "session-ann");
        let who = principal(Some("ann"), own, &["topic.publish", "topic.subscribe"]);
        let published = ask(&who, Ask::Publish, Some("session-ann"), "t").unwrap();
        let heard = ask(&who, Ask::Subscribe, Some("session-ann"), "t").unwrap();
        assert_eq!(published, heard);
        assert!(channels.insert(heard), "one session each");
    }
}

#[test]
fn a_pattern_holds_for_its_topics_only() {
    let who = principal(
        Some("ann"),
        session(SessionKind::Default, "ann"),
        &["topic.publish:orders.*", "topic.subscribe:prices"],
    );
    let cases = [
        (Ask::Publish, "orders.", Allowed),
        (Ask::Publish, "orders.new", Allowed),
        (Ask::Publish, "orders", PUBLISH),
        (Ask::Publish, "Orders.new", PUBLISH),
        (Ask::Publish, "my.orders.new", PUBLISH),
        (Ask::Publish, "prices", PUBLISH),
        (Ask::Subscribe, "prices", Allowed),
        (Ask::Presence, "prices", Allowed),
        (Ask::Subscribe, "prices.new", SUBSCRIBE),
        (Ask::Subscribe, "price", SUBSCRIBE),
        (Ask::Presence, "orders.new", SUBSCRIBE),
        (Ask::Unsubscribe, "orders.new", Allowed),
    ];
    for (command, name, outcome) in cases {
        let came = ask(&who, command, None, name).map_or_else(Refused, |_| Allowed);
        assert_eq!(came, outcome, "{command:?} {name}");
    }
}

#[test]
fn every_denial_is_forbidden_and_says_why() {
    let cases = [
        (Denied::Anonymous, "Permission denied: a token is required"),
        (
            Denied::Permission(Permission::TopicPublish),
            "Permission denied: topic.publish required",
        ),
        (
            Denied::Session,
            "Permission denied: not the session of this connection",
        ),
    ];
    for (denied, text) in cases {
        assert_eq!(denied.refusal(), Refusal::Forbidden);
        assert_eq!(denied.to_string(), text);
    }
}

#[test]
fn a_permit_keeps_its_command() {
    let who = super::member("ann");
    let permit = authorise(&who, super::publish("t", "[1]")).unwrap();
    assert_eq!(permit.command().message.payload.as_ref(), "[1]");
    assert_eq!(permit.command().topic, topic("t"));
}
