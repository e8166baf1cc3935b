//! What every implementation of `Bus` does.

mod answers;
mod bodies;
mod records;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;

use conclave_core::{
    Arrival, Bus, Feed, NodeCounts, NodeId, Notice, Parcel, Place, RollPart, WholePart,
};
use conclave_protocol::{
    Body, Channel, IssuerId, Position, Publication, RoomId, SessionId, SessionKind, TopicMessage,
    TopicName,
};

pub use bodies::bus_bodies;

use super::{second, session, user};

/// A node that has joined a bus.
pub struct Joined {
    /// Its name.
    pub node: NodeId,
    /// Its way to the others.
    pub bus: Arc<dyn Bus>,
    /// What comes from them.
    pub feed: Box<dyn Feed>,
}

struct End {
    node: NodeId,
    bus: Arc<dyn Bus>,
    feed: Box<dyn Feed>,
    /// What came with something that was taken.
    waiting: VecDeque<Arrival>,
}

/// What keeps the order of what one node sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusOrder {
    /// All of it.
    Whole,
    /// What it sends into one channel, and its notices: each goes its own way.
    PerChannel,
}

/// Runs the suite; `join` puts another node on the same bus each time.
///
/// # Panics
/// Where the implementation differs.
pub async fn bus_conformance(join: impl AsyncFn() -> Joined, order: BusOrder) {
    let mut nodes = Vec::new();
    for _ in 0..3 {
        let Joined { node, bus, feed } = join().await;
        let mut end = End {
            node,
            bus,
            feed,
            waiting: VecDeque::new(),
        };
        let first = take(&mut end).await;
        assert!(
            matches!(first, Arrival::Missed),
            "a node that has reached the bus is told that it may have missed something: {first:?}"
        );
        nodes.push(end);
    }
    let [one, two, three]: [End; 3] = nodes.try_into().unwrap_or_else(|_| panic!("three nodes"));
    let mut nodes = [one, two, three];
    everything_comes_as_it_was_sent(&mut nodes).await;
    only_who_asked_gets_it(&mut nodes).await;
    channels_that_look_alike_are_kept_apart(&mut nodes).await;
    order_holds_in_each_channel(&mut nodes).await;
    if order == BusOrder::Whole {
        order_holds_over_channels_and_notices(&mut nodes).await;
    }
    nothing_comes_after_unsubscribing(&mut nodes).await;
    asking_again_hears_again(&mut nodes).await;
    notices_reach_all_others(&mut nodes).await;
    records::hold(&mut nodes).await;
}

fn topic(kind: SessionKind, issuer: u16, of: &str, name: &str) -> Channel {
    let session = SessionId {
        kind,
        issuer: IssuerId(issuer),
        name: session(of),
    };
    Channel::Topic {
        session,
        name: TopicName::new(name).unwrap(),
    }
}

fn plain(name: &str) -> Channel {
    topic(SessionKind::Default, 0, "ann", name)
}

fn parcel(channel: &Channel, body: Body, place: Place) -> Parcel {
    let channel = Arc::new(channel.clone());
    let position = Position {
        offset: 99,
        epoch: 98,
    };
    Parcel {
        publication: Arc::new(Publication::new(channel, position, second(60), body, 97)),
        place,
    }
}

fn note(text: &str) -> Body {
    Body::Topic(TopicMessage {
        publisher_name: None,
        payload: text.into(),
        timestamp: None,
        user: None,
    })
}

fn say(end: &End, channel: &Channel, text: &str) {
    assert!(
        end.bus.publish(parcel(channel, note(text), Place::NONE)),
        "{text} is taken"
    );
}

async fn hear(end: &End, channel: &Channel) {
    end.bus.subscribe(&Arc::new(channel.clone()));
    poll_fn(|context| end.bus.poll_reached(channel, context)).await;
}

/// The next thing that comes.
async fn take(end: &mut End) -> Arrival {
    loop {
        if let Some(arrival) = end.waiting.pop_front() {
            return arrival;
        }
        let mut arrived = Vec::new();
        assert!(end.feed.next(&mut arrived).await, "the feed goes on");
        assert!(!arrived.is_empty(), "it has waited for something");
        end.waiting.extend(arrived);
    }
}

/// The text of the next publication, and its channel.
async fn heard(end: &mut End) -> (Channel, String) {
    match take(end).await {
        Arrival::Publication {
            channel,
            body: Body::Topic(message),
            ..
        } => ((*channel).clone(), message.payload.into()),
        other => panic!("a publication comes: {other:?}"),
    }
}

async fn everything_comes_as_it_was_sent(nodes: &mut [End; 3]) {
    let [one, two, _] = nodes;
    let places = [
        Place::NONE,
        Place {
            epoch: 1 << 52,
            seq: 7,
            after_loss: true,
        },
    ];
    for (index, (channel, body)) in bus_bodies().into_iter().enumerate() {
        let place = places[index % 2];
        hear(two, &channel).await;
        assert!(one.bus.publish(parcel(&channel, body.clone(), place)));
        match take(two).await {
            Arrival::Publication {
                from,
                channel: of,
                place: at_place,
                at,
                body: came,
            } => {
                assert_eq!((from, &*of), (one.node, &channel));
                assert_eq!((at_place, at), (place, second(60)));
                assert_eq!(came, body);
            }
            other => panic!("{body:?} comes: {other:?}"),
        }
        two.bus.unsubscribe(&Arc::new(channel));
    }
}

async fn only_who_asked_gets_it(nodes: &mut [End; 3]) {
    let [one, two, three] = nodes;
    let (asked, fence) = (plain("asked"), plain("fence"));
    for (node, channel) in [
        (&*one, &asked),
        (&*two, &asked),
        (&*two, &fence),
        (&*three, &fence),
        (&*one, &fence),
    ] {
        hear(node, channel).await;
    }
    say(one, &asked, "1");
    assert_eq!(heard(two).await, (asked.clone(), "1".into()));
    say(one, &fence, "2");
    assert_eq!(heard(two).await, (fence.clone(), "2".into()));
    assert_eq!(
        heard(three).await,
        (fence.clone(), "2".into()),
        "it has not asked for the other"
    );
    say(two, &fence, "3");
    assert_eq!(
        heard(one).await,
        (fence.clone(), "3".into()),
        "its own does not come back to it"
    );
    assert_eq!(heard(three).await, (fence.clone(), "3".into()));
    for node in [one, two, three] {
        node.bus.unsubscribe(&Arc::new(asked.clone()));
        node.bus.unsubscribe(&Arc::new(fence.clone()));
    }
}

async fn channels_that_look_alike_are_kept_apart(nodes: &mut [End; 3]) {
    let [one, two, _] = nodes;
    let room = || RoomId::new("x").unwrap();
    let alike = [
        topic(SessionKind::Named, 0, "a", "b:c"),
        topic(SessionKind::Named, 0, "a:b", "c"),
        topic(SessionKind::Default, 0, "a", "b:c"),
        topic(SessionKind::Named, 1, "a", "b:c"),
        topic(SessionKind::Named, 0, "A", "b:c"),
        Channel::User(user("x")),
        Channel::Room(room()),
        Channel::Own {
            room: room(),
            user: user("x"),
        },
        Channel::System,
        Channel::Broadcast,
    ];
    for channel in &alike {
        hear(two, channel).await;
    }
    for (number, channel) in alike.iter().enumerate() {
        say(one, channel, &number.to_string());
        assert_eq!(heard(two).await, (channel.clone(), number.to_string()));
    }
    for channel in alike {
        two.bus.unsubscribe(&Arc::new(channel));
    }
}

async fn order_holds_in_each_channel(nodes: &mut [End; 3]) {
    let [one, two, _] = nodes;
    let channels = ["a", "b", "c", "d", "e", "f", "g", "h"].map(plain);
    for channel in &channels {
        hear(two, channel).await;
    }
    for number in 0..2000_usize {
        say(one, &channels[number % 8], &number.to_string());
    }
    let mut next = [0, 1, 2, 3, 4, 5, 6, 7];
    for _ in 0..2000 {
        let (channel, text) = heard(two).await;
        let which = channels.iter().position(|known| *known == channel).unwrap();
        assert_eq!(text, next[which].to_string(), "the next of this channel");
        next[which] += 8;
    }
    for channel in channels {
        two.bus.unsubscribe(&Arc::new(channel));
    }
}

async fn order_holds_over_channels_and_notices(nodes: &mut [End; 3]) {
    let [one, two, three] = nodes;
    let channels = [plain("left"), plain("right")];
    for channel in &channels {
        hear(two, channel).await;
    }
    for number in 0..2000_usize {
        say(one, &channels[number % 2], &number.to_string());
    }
    assert!(one.bus.tell(Notice::Changed));
    for number in 0..2000_usize {
        let (channel, text) = heard(two).await;
        assert_eq!(
            (&channel, text),
            (&channels[number % 2], number.to_string())
        );
    }
    for node in [&mut *two, three] {
        assert!(matches!(take(node).await, Arrival::Notice { .. }));
    }
    for channel in channels {
        two.bus.unsubscribe(&Arc::new(channel));
    }
}

async fn nothing_comes_after_unsubscribing(nodes: &mut [End; 3]) {
    let [one, two, _] = nodes;
    let (left, stays) = (plain("is left"), plain("stays"));
    hear(two, &left).await;
    hear(two, &stays).await;
    two.bus.unsubscribe(&Arc::new(left.clone()));
    let another = plain("another");
    // An implementation may take what it is asked in order: this comes behind it.
    hear(two, &another).await;
    say(one, &left, "1");
    say(one, &stays, "2");
    assert_eq!(heard(two).await, (stays.clone(), "2".into()));
    two.bus.unsubscribe(&Arc::new(stays));
    two.bus.unsubscribe(&Arc::new(another));
}

async fn asking_again_hears_again(nodes: &mut [End; 3]) {
    let [one, two, _] = nodes;
    let again = plain("again");
    for round in 0..20 {
        hear(two, &again).await;
        say(one, &again, &round.to_string());
        assert_eq!(heard(two).await, (again.clone(), round.to_string()));
        two.bus.unsubscribe(&Arc::new(again.clone()));
    }
}

/// One of every kind.
fn notices([two, three]: [NodeId; 2]) -> Vec<Notice> {
    vec![
        Notice::Alive {
            version: 3,
            counts: NodeCounts {
                active: 2,
                authenticated: 1,
                surfaces: vec![("topics".into(), 2)],
            },
        },
        Notice::AskRoll { of: two },
        Notice::Ask {
            id: u64::MAX,
            question: "{\"ask\":1}".into(),
        },
        Notice::Answer {
            to: three,
            id: 7,
            answer: "".into(),
        },
        Notice::Spent(
            conclave_core::SharedLimit::ALL
                .into_iter()
                .map(|limit| conclave_core::Spent {
                    limit,
                    key: "192.0.2.1 ann".into(),
                    count: u32::MAX,
                })
                .collect(),
        ),
        Notice::Roll(RollPart {
            version: 4,
            whole: Some(WholePart {
                first: true,
                last: false,
            }),
            users: vec![(user("ann"), 2), (user("bob"), 0)],
        }),
        Notice::Changed,
        Notice::Disconnect {
            user: user("ann"),
            code: None,
            reason: None,
        },
        Notice::Disconnect {
            user: user("bob"),
            code: Some(4321),
            reason: Some("bye".into()),
        },
    ]
}

async fn notices_reach_all_others(nodes: &mut [End; 3]) {
    let [one, two, three] = nodes;
    for notice in notices([two.node, three.node]) {
        assert!(one.bus.tell(notice.clone()));
        for node in [&mut *two, &mut *three] {
            match take(node).await {
                Arrival::Notice { from, notice: came } => {
                    assert_eq!((from, came), (one.node, notice.clone()))
                }
                other => panic!("{notice:?} comes: {other:?}"),
            }
        }
    }
    assert!(two.bus.tell(Notice::Changed));
    match take(one).await {
        Arrival::Notice { from, .. } => assert_eq!(from, two.node, "not its own"),
        other => panic!("a notice comes: {other:?}"),
    }
    take(three).await;
}
