use std::sync::Arc;

use conclave_protocol::{Body, Limits, SessionKind, Timestamp, TopicMessage, UserId};

use super::{broadcast, member, principal, publish, publisher, session, subscribe, topics};
use crate::{Listen, Published, Publisher, Topics, authorise};

/// What the only subscriber of the topic `t` of the publisher's session hears.
fn heard(publisher: Publisher<'_>, command: TopicMessage) -> TopicMessage {
    let topics = topics(1, &Limits::default());
    let permit = authorise(publisher.principal, subscribe("t", None)).unwrap();
    let _subscribed = topics.subscribe(permit, 0);
    let mut ask = publish("t", "");
    ask.message = command;
    let permit = authorise(publisher.principal, ask).unwrap();
    let _published = topics.publish(permit, publisher, Timestamp::from_millis(7));
    let mut taken = Vec::new();
    topics.directory().inbox(0).unwrap().take(&mut taken);
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].at, Timestamp::from_millis(7));
    assert_eq!(taken[0].origin, publisher.connection);
    match &taken[0].body {
        Body::Topic(message) => message.clone(),
        Body::Broadcast { .. } | Body::Event(_) | Body::Wallet(_) => {
            panic!("not a topic's message")
        }
    }
}

#[test]
fn the_user_of_a_message_is_the_tokens() {
    let liar = || TopicMessage {
        publisher_name: Some("Bob".into()),
        payload: "{ \"a\" : 1 }".into(),
        timestamp: Some("yesterday".into()),
        user: Some(UserId::new("bob").unwrap()),
    };
    let ann = member("ann");
    let message = heard(publisher(&ann), liar());
    assert_eq!(message.user, Some(UserId::new("ann").unwrap()));
    assert_eq!(
        message.publisher_name.as_deref(),
        Some("Bob"),
        "it may call itself so"
    );
    assert_eq!(&*message.payload, "{ \"a\" : 1 }", "as it was sent");
    assert_eq!(message.timestamp.as_deref(), Some("yesterday"));

    let grants = ["topic.publish", "topic.subscribe"];
    let nobody = principal(None, session(SessionKind::Anonymous, "lobby"), &grants);
    assert_eq!(heard(publisher(&nobody), liar()).user, None);
}

#[test]
fn a_publisher_is_shown_by_token_then_registration_then_user() {
    let cases = [
        (
            Some("Ann of the token"),
            Some("registered"),
            Some("ann"),
            Some("Ann of the token"),
        ),
        (None, Some("registered"), Some("ann"), Some("registered")),
        (None, None, Some("ann"), Some("ann")),
        (None, Some("registered"), None, Some("registered")),
        (None, None, None, None),
    ];
    for (token, registered, user, shown) in cases {
        let grants = ["topic.publish", "topic.subscribe"];
        let mut who = principal(user, session(SessionKind::Named, "work"), &grants);
        who.name = token.map(Arc::from);
        let publisher = Publisher {
            name: registered,
            ..publisher(&who)
        };
        assert_eq!(publisher.shown_name(), shown);
        assert_eq!(
            heard(publisher, super::message("1"))
                .publisher_name
                .as_deref(),
            shown
        );
    }
}

#[test]
fn a_broadcast_reaches_listeners_of_every_session() {
    let topics = topics(2, &Limits::default());
    let (ann, bob) = (member("ann"), member("bob"));
    for (who, worker) in [(&ann, 0), (&bob, 1)] {
        let _listening = topics.listen(authorise(who, Listen).unwrap(), worker);
    }
    let permit = authorise(&ann, broadcast("\"type\":\"test\"")).unwrap();
    let published = topics.broadcast(permit, publisher(&ann), Timestamp::from_millis(0), 9);
    assert_eq!(
        published,
        Published {
            here: true,
            workers: 2
        }
    );
    for worker in 0..2 {
        let mut taken = Vec::new();
        topics.directory().inbox(worker).unwrap().take(&mut taken);
        let expected = Body::Broadcast {
            members: "\"type\":\"test\"".into(),
            user: UserId::new("ann").unwrap(),
            request: 9,
        };
        assert_eq!(
            taken.iter().map(|p| &p.body).collect::<Vec<_>>(),
            [&expected]
        );
    }
}

#[test]
fn a_publication_goes_once_to_each_worker_that_hears_it() {
    let topics = topics(3, &Limits::default());
    let ann = member("ann");
    for worker in [1, 2, 2, 2] {
        let _heard = topics.subscribe(authorise(&ann, subscribe("t", None)).unwrap(), worker);
    }
    let channel = authorise(&ann, subscribe("t", None))
        .unwrap()
        .channel()
        .clone();
    assert_eq!(topics.directory().workers_of(&channel), [1, 2]);
    assert_eq!(topics.directory().workers(), 3);
    let say = |worker| {
        let permit = authorise(&ann, publish("t", "1")).unwrap();
        let from = Publisher {
            worker,
            ..publisher(&ann)
        };
        topics.publish(permit, from, Timestamp::from_millis(0))
    };
    assert_eq!(
        say(0),
        Published {
            here: false,
            workers: 2
        }
    );
    assert_eq!(
        say(1),
        Published {
            here: true,
            workers: 2
        }
    );
    // A publisher that is on no worker, such as HTTP.
    assert_eq!(
        say(usize::MAX),
        Published {
            here: false,
            workers: 2
        }
    );
    let taken = |worker| {
        let mut taken = Vec::new();
        topics.directory().inbox(worker).unwrap().take(&mut taken);
        taken.len()
    };
    assert_eq!([taken(0), taken(1), taken(2)], [0, 3, 3]);
    assert!(topics.directory().inbox(3).is_none());
}

#[test]
fn publishing_to_nobody_leaves_nothing() {
    let topics = topics(1, &Limits::default());
    let ann = member("ann");
    let published: Vec<_> = (0..100)
        .map(|number| super::say(&topics, &ann, &format!("t{number}"), "1"))
        .collect();
    assert!(published.iter().all(|p| *p
        == Published {
            here: false,
            workers: 0
        }));
    assert_eq!(topics.directory().channels(), 0);
    assert_eq!(topics.directory().inbox(0).unwrap().outstanding(), 0);
}

#[test]
fn a_publisher_waits_for_the_slowest_worker() {
    let limits = Limits {
        inbox_bytes: 1,
        ..Limits::default()
    };
    let topics: Topics = topics(2, &limits);
    let ann = member("ann");
    let _heard = topics.subscribe(authorise(&ann, subscribe("t", None)).unwrap(), 1);
    let (alarm, waker) = super::Alarm::new();
    let context = std::task::Context::from_waker(&waker);
    let directory = topics.directory();
    assert!(directory.poll_clear(&context).is_ready());
    super::say(&topics, &ann, "t", "1");
    assert!(directory.is_over() && directory.poll_clear(&context).is_pending());
    let inbox = directory.inbox(1).unwrap();
    inbox.release(inbox.outstanding());
    assert_eq!(alarm.rings(), 1);
    assert!(!directory.is_over() && directory.poll_clear(&context).is_ready());
}
