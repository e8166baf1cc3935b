use std::task::{Context, Poll};

use super::{Alarm, loose};
use crate::Inbox;

#[test]
fn a_push_wakes_only_where_the_inbox_was_empty() {
    let inbox = Inbox::new(usize::MAX);
    let (alarm, waker) = Alarm::new();
    let mut taken = Vec::new();
    let mut poll = || inbox.poll_take(&mut Context::from_waker(&waker), &mut taken);

    assert_eq!(poll(), Poll::Pending);
    assert_eq!(alarm.rings(), 0);
    inbox.push(loose(1));
    assert_eq!(alarm.rings(), 1, "from empty to non-empty");
    (0..10).for_each(|_| inbox.push(loose(1)));
    assert_eq!(alarm.rings(), 1, "it was not empty");

    assert_eq!(poll(), Poll::Ready(()));
    inbox.push(loose(1));
    assert_eq!(
        alarm.rings(),
        1,
        "the worker is awake: it did not ask to be woken"
    );
    assert_eq!(poll(), Poll::Ready(()));
    assert_eq!(poll(), Poll::Pending);
    assert_eq!(poll(), Poll::Pending);
    inbox.push(loose(1));
    assert_eq!(alarm.rings(), 2, "asked twice, woken once");
}

#[test]
fn the_waker_of_the_last_look_is_woken() {
    let inbox = Inbox::new(usize::MAX);
    let ((first, old), (second, new)) = (Alarm::new(), Alarm::new());
    let mut taken = Vec::new();
    for waker in [&old, &new] {
        let poll = inbox.poll_take(&mut Context::from_waker(waker), &mut taken);
        assert_eq!(poll, Poll::Pending);
    }
    inbox.push(loose(1));
    assert_eq!((first.rings(), second.rings()), (0, 1));
}

#[test]
fn everything_is_taken_at_once_and_in_order() {
    let inbox = Inbox::new(usize::MAX);
    let pushed: Vec<_> = (0..100).map(loose).collect();
    pushed
        .iter()
        .cloned()
        .for_each(|publication| inbox.push(publication));
    let mut taken = Vec::new();
    inbox.take(&mut taken);
    assert_eq!(taken.len(), pushed.len());
    let same = |(a, b): (&std::sync::Arc<_>, &std::sync::Arc<_>)| std::sync::Arc::ptr_eq(a, b);
    assert!(taken.iter().zip(&pushed).all(same));
    inbox.take(&mut taken);
    assert_eq!(taken.len(), pushed.len(), "nothing comes twice");
}

#[test]
fn what_is_taken_stays_outstanding_until_it_is_released() {
    let inbox = Inbox::new(usize::MAX);
    let weights: Vec<_> = [10, 0, 5000]
        .map(|bytes| {
            let publication = loose(bytes);
            let weight = publication.weight();
            inbox.push(publication);
            weight
        })
        .into();
    let all = weights.iter().sum::<usize>();
    assert!(all > 5010);
    assert_eq!(inbox.outstanding(), all);
    inbox.take(&mut Vec::new());
    assert_eq!(inbox.outstanding(), all);
    weights.iter().for_each(|weight| inbox.release(*weight));
    assert_eq!(inbox.outstanding(), 0);
}

#[test]
fn publishers_wait_above_the_mark_until_half_of_it() {
    let one = loose(100).weight();
    let inbox = Inbox::new(4 * one);
    let (alarm, waker) = Alarm::new();
    let context = Context::from_waker(&waker);

    (0..4).for_each(|_| inbox.push(loose(100)));
    assert!(!inbox.is_over(), "at the mark");
    assert_eq!(inbox.poll_clear(&context), Poll::Ready(()));
    inbox.push(loose(100));
    assert!(inbox.is_over(), "above the mark");
    assert_eq!(inbox.poll_clear(&context), Poll::Pending);

    inbox.release(one);
    inbox.release(one);
    assert!(!inbox.is_over());
    assert_eq!(alarm.rings(), 0, "three are left, which is more than half");
    inbox.release(one);
    assert_eq!(alarm.rings(), 1, "half of the mark is left");
    assert_eq!(inbox.poll_clear(&context), Poll::Ready(()));
    inbox.release(one);
    inbox.release(one);
    assert_eq!(alarm.rings(), 1, "woken once");
}

#[test]
fn no_publisher_overtakes_one_that_waits() {
    let one = loose(100).weight();
    let inbox = Inbox::new(4 * one);
    let ((waiting, first), (late, second)) = (Alarm::new(), Alarm::new());

    (0..5).for_each(|_| inbox.push(loose(100)));
    assert_eq!(
        inbox.poll_clear(&Context::from_waker(&first)),
        Poll::Pending
    );
    inbox.release(one);
    assert!(!inbox.is_over());
    assert_eq!(
        inbox.poll_clear(&Context::from_waker(&second)),
        Poll::Pending
    );
    inbox.release(2 * one);
    assert_eq!((waiting.rings(), late.rings()), (1, 1));
}

#[test]
fn a_task_that_looks_often_waits_once() {
    let one = loose(100).weight();
    let inbox = Inbox::new(one);
    let ((busy, often), (calm, once)) = (Alarm::new(), Alarm::new());
    (0..2).for_each(|_| inbox.push(loose(100)));
    for _ in 0..1000 {
        // A task's context comes with a new clone of the same waker each time.
        let clone = often.clone();
        assert_eq!(
            inbox.poll_clear(&Context::from_waker(&clone)),
            Poll::Pending
        );
    }
    assert_eq!(inbox.poll_clear(&Context::from_waker(&once)), Poll::Pending);
    inbox.release(2 * one);
    assert_eq!((busy.rings(), calm.rings()), (1, 1));
}

#[test]
fn a_mark_of_zero_is_none() {
    let inbox = Inbox::new(0);
    (0..100).for_each(|_| inbox.push(loose(1000)));
    let (_, waker) = Alarm::new();
    assert!(!inbox.is_over());
    assert_eq!(
        inbox.poll_clear(&Context::from_waker(&waker)),
        Poll::Ready(())
    );
}
