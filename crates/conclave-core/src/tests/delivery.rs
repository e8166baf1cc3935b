//! Random interleavings of two sessions, several workers and connections, against the model.

use conclave_protocol::Limits;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::world::{BROADCAST, Since, Step, World};

fn since() -> impl Strategy<Value = Since> {
    prop_oneof![
        3 => Just(Since::Nothing),
        3 => (0..6_u64).prop_map(Since::Back),
        1 => Just(Since::Ahead),
        1 => Just(Since::Elsewhere),
    ]
}

fn topic() -> impl Strategy<Value = usize> {
    prop_oneof![4 => Just(0), 2 => Just(1), 1 => Just(BROADCAST)]
}

/// Mostly few; sometimes so many that a batch of 64 KiB holds one, two or three.
fn bytes() -> impl Strategy<Value = usize> {
    prop_oneof![6 => 1..100_usize, 1 => 20_000..40_000_usize, 1 => Just(65_000)]
}

/// What may also happen in the middle of a turn.
fn small_step() -> BoxedStrategy<Step> {
    let subscribe =
        (0..8_usize, topic(), since()).prop_map(|(connection, topic, since)| Step::Subscribe {
            connection,
            topic,
            since,
        });
    let unsubscribe = (0..8_usize, topic())
        .prop_map(|(connection, topic)| Step::Unsubscribe { connection, topic });
    let publish =
        (0..8_usize, topic(), bytes()).prop_map(|(connection, topic, bytes)| Step::Publish {
            connection,
            topic,
            bytes,
        });
    let turn = (0..3_usize, 0..5_usize).prop_map(|(worker, members)| Step::Turn {
        worker,
        members,
        inside: None,
    });
    prop_oneof![
        4 => subscribe,
        3 => unsubscribe,
        6 => publish,
        2 => (0..3_usize).prop_map(|worker| Step::Take { worker }),
        3 => turn,
        1 => (0..3000_u64).prop_map(|millis| Step::Expire { millis }),
        1 => (0..3000_u64).prop_map(|millis| Step::Wait { millis }),
    ]
    .boxed()
}

fn step() -> impl Strategy<Value = Step> {
    let turn =
        (0..3_usize, 0..5_usize, small_step()).prop_map(|(worker, members, inside)| Step::Turn {
            worker,
            members,
            inside: Some(Box::new(inside)),
        });
    prop_oneof![6 => small_step(), 1 => turn]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..160)
}

fn without_history() -> Limits {
    Limits {
        history_messages: 0,
        ..Limits::default()
    }
}

/// The world compares itself with the model after each step.
fn check(workers: usize, limits: Limits, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut world = World::new(workers, limits);
    steps.iter().try_for_each(|step| world.step(step))?;
    world.settle()?;
    world.end()
}

proptest! {
    #[test]
    fn a_subscriber_sees_each_publication_at_most_once_and_in_order(
        workers in 1..4_usize,
        steps in steps(),
    ) {
        check(workers, without_history(), &steps)?;
    }

    #[test]
    fn a_gap_is_visible_by_offset_and_epoch(
        workers in 1..3_usize,
        (messages, seconds, topics) in (1..5_usize, 1..5_u32, 0..4_usize),
        steps in steps(),
    ) {
        let limits = Limits {
            history_messages: messages,
            history_seconds: seconds,
            history_topics: topics,
            ..Limits::default()
        };
        check(workers, limits, &steps)?;
    }
}

/// A channel of many members and small turns, so that most steps fall into a walk.
#[test]
fn members_that_come_and_go_during_a_walk_miss_nothing() {
    let mut world = World::new(2, without_history());
    let mut steps = Vec::new();
    for round in 0..200_usize {
        let connection = round * 5 % 8;
        steps.push(Step::Subscribe {
            connection,
            topic: 0,
            since: Since::Nothing,
        });
        steps.push(Step::Publish {
            connection: 0,
            topic: 0,
            bytes: 1,
        });
        steps.push(Step::Take { worker: round % 2 });
        let inside = Step::Unsubscribe {
            connection: round * 3 % 8,
            topic: 0,
        };
        steps.push(Step::Turn {
            worker: round % 2,
            members: 1,
            inside: Some(Box::new(inside)),
        });
        let inside = Step::Subscribe {
            connection: round * 7 % 8,
            topic: 0,
            since: Since::Nothing,
        };
        steps.push(Step::Turn {
            worker: round % 2,
            members: 1,
            inside: Some(Box::new(inside)),
        });
    }
    let ran = steps.iter().try_for_each(|step| world.step(step));
    ran.and_then(|()| world.settle()).unwrap();
    assert!(world.delivered > 200, "{} were delivered", world.delivered);
    world.end().unwrap();
}
