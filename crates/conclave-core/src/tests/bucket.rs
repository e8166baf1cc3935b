use crate::Bucket;

/// Takes at each moment; the moments are milliseconds.
#[track_caller]
fn check(bucket: &Bucket, (per_second, burst): (u32, u32), takes: &[(u32, bool)]) {
    for (place, (now, expected)) in takes.iter().enumerate() {
        let taken = bucket.take(per_second, burst, *now);
        assert_eq!(taken, *expected, "take {place}, at {now} ms");
    }
}

#[test]
fn a_burst_passes_and_then_the_rate() {
    let bucket = Bucket::full(3, 0);
    let takes = [
        (0, true),
        (0, true),
        (0, true),
        (0, false),
        (99, false),
        (100, true),
        (100, false),
        (300, true),
        (300, true),
        (300, false),
    ];
    check(&bucket, (10, 3), &takes);
}

#[test]
fn a_pause_fills_no_more_than_the_burst() {
    let bucket = Bucket::full(2, 0);
    let takes = [
        (3_600_000, true),
        (3_600_000, true),
        (3_600_000, false),
        (u32::MAX, true),
        (u32::MAX, true),
        (u32::MAX, false),
    ];
    check(&bucket, (50, 2), &takes);
}

#[test]
fn fractions_of_a_message_add_up() {
    let bucket = Bucket::full(1, 0);
    check(&bucket, (3, 1), &[(0, true)]);
    let taken = (1..=3000)
        .filter(|now| bucket.take(3, 1, *now))
        .collect::<Vec<_>>();
    assert_eq!(taken, [334, 668, 1002, 1336, 1670, 2004, 2338, 2672]);
}

#[test]
fn a_full_bucket_gives_the_rate_over_a_long_time() {
    let bucket = Bucket::full(100, 0);
    let taken = (0..60_000).filter(|now| bucket.take(50, 100, *now)).count();
    assert_eq!(taken, 100 + 60 * 50 - 1);
}

#[test]
fn the_clock_may_wrap() {
    let start = u32::MAX - 50;
    let bucket = Bucket::full(1, start);
    let takes = [
        (start, true),
        (u32::MAX, false),
        (0, false),
        (48, false),
        (49, true),
        (49, false),
        (149, true),
    ];
    check(&bucket, (10, 1), &takes);
}

#[test]
fn a_rate_of_zero_is_no_limit() {
    let bucket = Bucket::full(0, 7);
    check(&bucket, (0, 0), &[(7, true); 1000]);
}

#[test]
fn a_burst_of_zero_counts_as_one() {
    let bucket = Bucket::full(0, 0);
    check(
        &bucket,
        (10, 0),
        &[(0, true), (0, false), (100, true), (100, false)],
    );
}

#[test]
fn the_largest_rate_and_burst_do_not_overflow() {
    let bucket = Bucket::full(u32::MAX, 0);
    let takes = [(0, true), (u32::MAX, true), (u32::MAX, true)];
    check(&bucket, (u32::MAX, u32::MAX), &takes);
}

#[test]
fn it_takes_eight_bytes() {
    assert_eq!(size_of::<Bucket>(), 8);
}
