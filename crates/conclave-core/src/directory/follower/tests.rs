use conclave_protocol::{Body, Timestamp, TopicMessage};
use proptest::prelude::*;

use super::*;

fn recorded(offset: u64, epoch: u64) -> Recorded {
    Recorded {
        position: Position { offset, epoch },
        after_loss: false,
        at: Timestamp::from_millis(0),
        body: Body::Topic(TopicMessage {
            publisher_name: None,
            payload: offset.to_string().into(),
            timestamp: None,
            user: None,
        }),
    }
}

fn record(offsets: std::ops::RangeInclusive<u64>, epoch: u64) -> Option<Record> {
    Some(Record {
        head: Position {
            offset: *offsets.end(),
            epoch,
        },
        kept: offsets.map(|offset| recorded(offset, epoch)).collect(),
    })
}

fn places(list: &[Recorded]) -> Vec<(u64, u64)> {
    let place = |one: &Recorded| (one.position.epoch, one.position.offset);
    list.iter().map(place).collect()
}

/// One that has read a record up to this place.
fn at(offset: u64, epoch: u64) -> Follower {
    let mut follower = Follower::default();
    follower.begin_reading();
    let past = follower.fill(record(1..=offset, epoch)).past;
    assert_eq!(past.len() as u64, offset);
    follower
}

#[test]
fn what_comes_while_the_record_is_read_follows_it_once() {
    let mut follower = Follower::default();
    follower.begin_reading();
    for offset in 2..=4 {
        assert_eq!(follower.take(recorded(offset, 7)), Following::default());
    }
    let following = follower.fill(record(1..=3, 7));
    assert_eq!(places(&following.past), [(7, 1), (7, 2), (7, 3)]);
    assert_eq!(places(&following.ready), [(7, 4)]);
    assert!(!following.read);
}

#[test]
fn a_missing_one_is_read_and_put_in_its_place() {
    let mut follower = at(3, 7);
    let following = follower.take(recorded(5, 7));
    assert!(following.read && following.ready.is_empty());
    let following = follower.fill(record(4..=6, 7));
    assert_eq!(places(&following.ready), [(7, 4), (7, 5), (7, 6)]);
    assert_eq!(follower.take(recorded(6, 7)), Following::default());
}

#[test]
fn a_place_left_free_for_a_loss_is_not_looked_for() {
    let mut follower = at(3, 7);
    let after_loss = Recorded {
        after_loss: true,
        ..recorded(5, 7)
    };
    let following = follower.take(after_loss);
    assert_eq!(places(&following.ready), [(7, 5)]);
    assert!(!following.read);
}

#[test]
fn a_new_epoch_is_read_and_ends_what_was_kept() {
    let mut follower = at(3, 7);
    assert!(follower.take(recorded(1, 8)).read);
    let following = follower.fill(record(1..=2, 8));
    assert!(following.forget);
    assert_eq!(places(&following.ready), [(8, 1), (8, 2)]);
    let late = follower.take(recorded(4, 7));
    assert!(late.read, "the old epoch again is looked into");
    let following = follower.fill(record(1..=2, 8));
    assert_eq!(places(&following.ready), [(7, 4)], "and then heard");
    let following = follower.take(recorded(3, 8));
    assert_eq!(places(&following.ready), [(8, 3)], "but not gone on from");
}

#[test]
fn the_first_of_an_empty_record_needs_no_reading() {
    let mut follower = Follower::default();
    follower.begin_reading();
    assert_eq!(follower.fill(Some(Record::default())), Following::default());
    let following = follower.take(recorded(1, 8));
    assert_eq!(places(&following.ready), [(8, 1)]);
    assert!(!following.read);
}

#[test]
fn where_nothing_can_be_read_it_goes_on_with_what_comes() {
    let mut follower = at(3, 7);
    assert!(follower.take(recorded(5, 7)).read);
    let following = follower.fill(None);
    assert_eq!(places(&following.ready), [(7, 5)]);
    assert!(!following.read, "it is not asked again at once");
    let mut new = Follower::default();
    new.begin_reading();
    assert_eq!(new.fill(None), Following::default());
    assert_eq!(places(&new.take(recorded(9, 7)).ready), [(7, 9)]);
    assert_eq!(places(&new.take(recorded(10, 7)).ready), [(7, 10)]);
}

#[test]
fn what_has_no_place_goes_by() {
    let mut follower = at(3, 7);
    follower.begin_reading();
    assert_eq!(places(&follower.take(recorded(0, 0)).ready), [(0, 0)]);
}

#[test]
fn too_much_to_be_held_is_read_again() {
    let mut follower = Follower::default();
    follower.begin_reading();
    let last = HELD_MAX as u64 + 5;
    for offset in 1..=last {
        follower.take(recorded(offset, 7));
    }
    let following = follower.fill(Some(Record::default()));
    assert!(following.read, "more came than was held");
    let rest = follower.fill(record(1..=last, 7));
    let mut all = places(&following.ready);
    all.extend(places(&rest.ready));
    let expected: Vec<_> = (1..=last).map(|offset| (7, offset)).collect();
    assert!(all == expected, "{} came", all.len());
}

#[derive(Clone, Debug)]
enum Step {
    /// The bus takes another one; whether its message arrives.
    Publish {
        arrives: bool,
    },
    /// What is under way arrives, or the reading that was asked for is answered.
    Arrive,
    Answer,
    /// An interruption is noticed.
    Miss,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Publish { arrives: true }),
        1 => Just(Step::Publish { arrives: false }),
        4 => Just(Step::Arrive),
        2 => Just(Step::Answer),
        1 => Just(Step::Miss),
    ];
    proptest::collection::vec(step, 1..80)
}

/// Answers what was asked, from a record that has all up to `newest`.
fn answer(follower: &mut Follower, newest: u64) -> (Following, bool) {
    let after = follower.head().map_or(0, |head| head.offset);
    let answered = Record {
        head: Position {
            offset: newest,
            epoch: if newest == 0 { 0 } else { 7 },
        },
        kept: (after + 1..=newest)
            .map(|offset| recorded(offset, 7))
            .collect(),
    };
    let following = follower.fill(Some(answered));
    let again = following.read;
    (following, again)
}

proptest! {
    #[test]
    fn nothing_is_let_through_twice_or_out_of_order_and_nothing_is_left_out(steps in steps()) {
        let mut follower = Follower::default();
        follower.begin_reading();
        let (mut newest, mut asked) = (0_u64, true);
        let mut under_way = VecDeque::new();
        let mut heard = Vec::new();
        let ending = [Step::Publish { arrives: true }, Step::Miss];
        let ending = ending.into_iter().chain((0..200).flat_map(|_| [Step::Arrive, Step::Answer]));
        for step in steps.into_iter().chain(ending) {
            let following = match step {
                Step::Publish { arrives } => {
                    newest += 1;
                    if arrives {
                        under_way.push_back(recorded(newest, 7));
                    }
                    Following::default()
                }
                Step::Arrive => under_way
                    .pop_front()
                    .map_or_else(Following::default, |next| follower.take(next)),
                Step::Answer if asked => {
                    let (following, again) = answer(&mut follower, newest);
                    asked = again;
                    following
                }
                Step::Answer => Following::default(),
                Step::Miss => {
                    follower.begin_reading();
                    asked = true;
                    Following::default()
                }
            };
            asked |= following.read;
            prop_assert!(!following.forget || heard.is_empty());
            heard.extend(places(&following.past));
            heard.extend(places(&following.ready));
        }
        let all: Vec<_> = (1..=newest).map(|offset| (7, offset)).collect();
        prop_assert_eq!(heard, all);
    }
}
