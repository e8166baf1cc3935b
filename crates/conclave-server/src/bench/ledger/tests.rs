use super::{Ledger, Stamp, Tally};

fn check(arrivals: &[u64], published: u64, (lost, duplicated, reordered): (u64, u64, u64)) {
    let mut ledger = Ledger::default();
    for sequence in arrivals {
        ledger.record(*sequence);
    }
    let delivered = arrivals.len() as u64;
    let expected = Tally {
        delivered,
        lost,
        duplicated,
        reordered,
    };
    assert_eq!(
        ledger.close(published),
        expected,
        "{arrivals:?} of {published}"
    );
}

#[test]
fn finds_nothing_wrong_with_order() {
    check(&[], 0, (0, 0, 0));
    check(&[0, 1, 2, 3], 4, (0, 0, 0));
}

#[test]
fn counts_lost_in_the_middle_and_at_the_end() {
    check(&[0, 2, 3], 4, (1, 0, 0));
    check(&[0, 1], 4, (2, 0, 0));
    check(&[3], 4, (3, 0, 0));
    check(&[], 4, (4, 0, 0));
}

#[test]
fn counts_duplicated() {
    check(&[0, 0, 1, 1, 1], 2, (0, 3, 0));
}

#[test]
fn counts_reordered_once_and_then_duplicated() {
    check(&[1, 0, 2], 3, (0, 0, 1));
    check(&[2, 0, 1], 3, (0, 0, 2));
    check(&[2, 0, 0], 3, (1, 1, 1));
}

#[test]
fn stamp_survives_the_way_through_a_message() {
    let stamp = Stamp {
        publisher: 7,
        sequence: 1_234_567,
    };
    assert_eq!(stamp.payload().len(), 64);
    let mut message = format!(r#"{{"topic":"t","payload":"{}"}}"#, stamp.payload()).into_bytes();
    assert_eq!(Stamp::find(&message), Some(stamp));
    let next = Stamp {
        publisher: 999,
        sequence: 1_234_568,
    };
    next.overwrite(&mut message);
    assert_eq!(Stamp::find(&message), Some(next));
}

#[test]
fn finds_no_stamp_in_other_messages() {
    for message in [
        &b"pong"[..],
        b"~12",
        b"~00000000000000000x0",
        b"{\"type\":\"ack\"}",
    ] {
        assert_eq!(Stamp::find(message), None);
    }
}
