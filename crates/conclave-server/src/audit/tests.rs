use std::fs;
use std::future::Future as _;
use std::io::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use conclave_protocol::{Clock, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::chain::{Head, Standing};
use super::file::ChainFile;
use super::queue::Queue;
use super::verify::verify_lines;
use super::*;
use crate::config::Secret;

struct Frozen;

impl Clock for Frozen {
    fn now(&self) -> Timestamp {
        NOW
    }
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

const NOW: Timestamp = Timestamp::from_millis(1_706_091_937_250);

fn key(text: &str) -> AuditKey {
    AuditKey::new(&Secret::new(text.to_owned()))
}

fn options(file: &Path, queue: usize) -> Options {
    Options {
        file: file.to_owned(),
        key: key("k"),
        queue,
        refusals_per_second: 2,
        usual_per_second: 1000,
    }
}

fn open(file: &Path) -> AuditLog {
    AuditLog::open(options(file, 64), Arc::new(Frozen)).unwrap()
}

fn event(kind: Kind) -> Event {
    Event::new(kind, NOW)
}

/// A chain of `lines` lines in a folder of its own.
fn chain(lines: usize) -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("audit.log");
    let log = open(&file);
    for line in 0..lines {
        log.record(event(Kind::HandshakeOk).user(&format!("user{line}")));
    }
    drop(log);
    (dir, file)
}

fn lines(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn rewrite(file: &Path, change: impl FnOnce(&mut Vec<&str>)) {
    let text = fs::read_to_string(file).unwrap();
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    change(&mut lines);
    fs::write(file, lines.concat()).unwrap();
}

#[track_caller]
fn check(file: &Path, expected: &str) {
    let found = match verify(file, &key("k"), None) {
        Ok(report) => format!("{} lines", report.head.seq()),
        Err(error) => error.to_string(),
    };
    assert_eq!(found, expected);
}

#[test]
fn a_line_carries_every_field_in_order() {
    let (_dir, file) = chain(0);
    let log = open(&file);
    let whole = event(Kind::HandshakeRefused)
        .user("alice")
        .session("session-alice")
        .connection(u64::MAX)
        .ip("::ffff:10.1.2.3".parse::<IpAddr>().unwrap())
        .user_agent(b"curl/8 \xff\"\n{}")
        .path("/ws?token=eyJhbGciOi")
        .detail(json!({ "code": 4001 }));
    log.record(whole);
    log.record(event(Kind::Start));
    log.close();
    let text = fs::read_to_string(&file).unwrap();
    let first = text.lines().next().unwrap();
    let expected = "{\"ts\":\"2024-01-24T10:25:37.250Z\",\"event\":\"handshake_refused\",\
        \"level\":\"warning\",\"user\":\"alice\",\"session\":\"session-alice\",\
        \"connection\":\"18446744073709551615\",\"ip\":\"10.1.2.3\",\
        \"user_agent\":\"curl/8 \u{fffd}\\\"\\n{}\",\"path\":\"/ws\",\"detail\":{\"code\":4001},\
        \"seq\":1,\"prev\":\"0000000000000000000000000000000000000000000000000000000000000000\",\
        \"hash\":\"";
    assert!(first.starts_with(expected), "{first}");
    let lines = lines(&file);
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (&lines[1]["user"], &lines[1]["detail"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(lines[1]["prev"], lines[0]["hash"]);
    check(&file, "2 lines");
}

#[test]
fn clients_texts_are_cut_and_queries_are_left_out() {
    let long = "é".repeat(4000);
    let (_dir, file) = chain(0);
    let log = open(&file);
    log.record(
        event(Kind::AdminAction)
            .user(&long)
            .session(&long)
            .user_agent(long.as_bytes())
            .path(&format!("/{long}?token=secret#x"))
            .detail(long.as_str()),
    );
    log.record(event(Kind::AdminAction).path("/a#token=secret"));
    log.close();
    let lines = lines(&file);
    let bytes = |field: &str| lines[0][field].as_str().unwrap().len();
    assert_eq!(
        ["user", "session", "user_agent", "path"].map(bytes),
        [254, 262, 256, 255]
    );
    assert!((1000..=1024).contains(&bytes("detail")));
    assert_eq!(lines[1]["path"], "/a");
    assert!(!fs::read_to_string(&file).unwrap().contains("secret"));
}

#[test]
fn no_input_can_forge_a_line() {
    let (_dir, file) = chain(0);
    let log = open(&file);
    let forged = "x\"}\n{\"ts\":\"\",\"event\":\"start\"}\n";
    log.record(
        event(Kind::AdminAction)
            .user(forged)
            .path(forged)
            .user_agent(forged.as_bytes()),
    );
    log.close();
    assert_eq!(lines(&file).len(), 1);
    check(&file, "1 lines");
}

#[test]
fn the_chain_continues_after_a_restart() {
    let (_dir, file) = chain(3);
    let log = open(&file);
    log.record(event(Kind::Stop));
    log.flush().unwrap();
    check(&file, "4 lines");
    log.record(event(Kind::Stop));
    drop(log);
    check(&file, "5 lines");
}

#[test]
fn every_changed_byte_names_its_line() {
    let (_dir, file) = chain(3);
    let whole = fs::read(&file).unwrap();
    let mut line = 1;
    for at in 0..whole.len() {
        for flip in [1, 0x20, 0x80, whole[at] ^ b'\n'] {
            if flip != 0 {
                let mut changed = whole.clone();
                changed[at] ^= flip;
                let changed = changed.as_slice();
                let error = verify_lines(changed, "audit.log", &key("k"), None).unwrap_err();
                let AuditError::Line { line: found, .. } = error else {
                    panic!("{error}")
                };
                assert_eq!(found, line, "byte {at} xor {flip:#x}: {error}");
            }
        }
        line += u64::from(whole[at] == b'\n');
    }
}

#[test]
fn every_removed_byte_names_its_line() {
    let (_dir, file) = chain(3);
    let whole = fs::read(&file).unwrap();
    let mut line = 1;
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed.remove(at);
        let error = verify_lines(changed.as_slice(), "audit.log", &key("k"), None);
        let error = error.unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("audit.log line {line}: ")),
            "byte {at}: {error}"
        );
        line += u64::from(whole[at] == b'\n');
    }
}

#[test]
fn lines_out_of_order_are_named() {
    for (change, expected) in [
        (
            (|lines| lines.swap(1, 2)) as fn(&mut Vec<&str>),
            "line 2: seq is 3, expected 2",
        ),
        (|lines| _ = lines.remove(0), "line 1: seq is 2, expected 1"),
        (|lines| _ = lines.remove(2), "line 3: seq is 4, expected 3"),
        (
            |lines| lines.insert(1, lines[0]),
            "line 2: seq is 1, expected 2",
        ),
        (
            |lines| lines.insert(1, "\n"),
            "line 2: is not a line of an audit chain",
        ),
        (
            |lines| lines.push("{}\n"),
            "line 5: is not a line of an audit chain",
        ),
        (|lines| lines.push("{"), "line 5: is cut short"),
    ] {
        let (_dir, file) = chain(4);
        rewrite(&file, change);
        check(&file, &format!("audit.log {expected}"));
    }
}

#[test]
fn a_line_of_another_chain_is_named() {
    let (_dir, file) = chain(2);
    let (_other_dir, other) = chain(0);
    let log = open(&other);
    log.record(event(Kind::Start));
    log.record(event(Kind::Stop));
    drop(log);
    let stolen = fs::read_to_string(&other).unwrap();
    let stolen = stolen.split_inclusive('\n').nth(1).unwrap();
    let text = fs::read_to_string(&file).unwrap();
    let first = text.split_inclusive('\n').next().unwrap();
    fs::write(&file, format!("{first}{stolen}")).unwrap();
    check(
        &file,
        "audit.log line 2: prev does not match the line before",
    );
    let found = verify(&other, &key("other"), None).unwrap_err().to_string();
    assert_eq!(found, "audit.log line 1: hash does not match");
}

#[test]
fn an_endless_line_is_refused_without_reading_it_whole() {
    let (_dir, file) = chain(1);
    let mut text = fs::OpenOptions::new().append(true).open(&file).unwrap();
    text.write_all(&vec![b'x'; 1024 * 1024]).unwrap();
    check(&file, "audit.log line 2: is cut short");
}

#[test]
fn a_checkpoint_shows_a_cut_end() {
    let (_dir, file) = chain(4);
    let kept = checkpoint(&file, &key("k"), NOW).unwrap();
    let kept: Checkpoint = serde_json::from_str(&serde_json::to_string(&kept).unwrap()).unwrap();
    let verdict = |kept: &Checkpoint| match verify(&file, &key("k"), Some(kept)) {
        Ok(report) => format!("{} lines", report.head.seq()),
        Err(error) => error.to_string(),
    };
    let log = open(&file);
    log.record(event(Kind::Stop));
    drop(log);
    assert_eq!(verdict(&kept), "5 lines");
    rewrite(&file, |lines| lines.truncate(3));
    check(&file, "3 lines");
    let cut = "audit.log ends at line 3, the checkpoint is line 4: its end was cut";
    assert_eq!(verdict(&kept), cut);

    // The holder of the key writes other lines in their place.
    let log = open(&file);
    log.record(event(Kind::Stop));
    drop(log);
    check(&file, "4 lines");
    assert_eq!(
        verdict(&kept),
        "audit.log line 4: is not the line of the checkpoint"
    );
}

#[test]
fn a_changed_checkpoint_is_refused() {
    let (_dir, file) = chain(4);
    let kept = checkpoint(&file, &key("k"), NOW).unwrap();
    let text = serde_json::to_string(&kept).unwrap();
    let forged: Checkpoint = serde_json::from_str(&text.replace("\"seq\":4", "\"seq\":3")).unwrap();
    let error = verify(&file, &key("k"), Some(&forged)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the checkpoint's signature does not match"
    );
    assert!(matches!(
        verify(&file, &key("other"), Some(&kept)),
        Err(AuditError::Forged)
    ));
}

#[test]
fn a_torn_last_line_is_cut_and_recorded() {
    let (_dir, file) = chain(3);
    let whole = fs::read(&file).unwrap();
    let last = whole[..whole.len() - 1]
        .iter()
        .rposition(|&byte| byte == b'\n')
        .unwrap()
        + 1;
    for end in (last + 1..whole.len()).step_by(17) {
        fs::write(&file, &whole[..end]).unwrap();
        check(&file, "audit.log line 3: is cut short");
        drop(open(&file));
        let report = verify(&file, &key("k"), None).unwrap();
        assert_eq!((report.head.seq(), report.recovered), (3, vec![3]));
        let line = lines(&file).pop().unwrap();
        assert_eq!(line["event"], "recovered");
        assert_eq!(line["detail"]["cut_bytes"], end - last);
    }
}

#[test]
fn a_torn_first_line_is_cut_too() {
    let (_dir, file) = chain(0);
    fs::write(&file, "{\"ts\":\"20").unwrap();
    drop(open(&file));
    assert_eq!(verify(&file, &key("k"), None).unwrap().recovered, [1]);
}

#[test]
fn a_chain_that_does_not_fit_its_key_is_not_continued() {
    let (_dir, file) = chain(3);
    let other = Options {
        key: key("other"),
        ..options(&file, 64)
    };
    let error = AuditLog::open(other, Arc::new(Frozen))
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("audit.log: the last whole line: hash does not match"),
        "{error}"
    );
    fs::write(&file, vec![b'x'; 200_000]).unwrap();
    let error = AuditLog::open(options(&file, 64), Arc::new(Frozen))
        .err()
        .unwrap()
        .to_string();
    assert!(error.ends_with("is not an audit chain"), "{error}");
}

#[test]
fn two_processes_write_one_chain() {
    let (_dir, file) = chain(1);
    let (server, command) = (open(&file), open(&file));
    for _ in 0..5 {
        server.record(event(Kind::SignInOk));
        server.flush().unwrap();
        command.record(event(Kind::AdminAction));
        command.flush().unwrap();
    }
    check(&file, "11 lines");
    // One is killed inside a line; the other cuts it.
    fs::OpenOptions::new()
        .append(true)
        .open(&file)
        .unwrap()
        .write_all(b"{\"ts")
        .unwrap();
    server.record(event(Kind::SignInOk));
    server.flush().unwrap();
    assert_eq!(verify(&file, &key("k"), None).unwrap().recovered, [12]);
}

#[test]
fn many_threads_lose_nothing_that_waits() {
    let (_dir, file) = chain(0);
    let log = AuditLog::open(options(&file, 64), Arc::new(Frozen)).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..250 {
                    log.record_blocking(event(Kind::PermissionDenied));
                }
            });
        }
    });
    log.close();
    check(&file, "1000 lines");
}

#[test]
fn a_full_queue_counts_handshakes_and_keeps_revocations() {
    let mut queue = Queue::new(16, 100, 100);
    for _ in 0..20 {
        queue.push(event(Kind::HandshakeOk));
    }
    assert_eq!(queue.push(event(Kind::LimitHit)), Recorded::Counted);
    assert_eq!(queue.push(event(Kind::Revocation)), Recorded::Queued);
    assert!(queue.offer(event(Kind::PermissionDenied)).is_err());
    assert_eq!((queue.len(), queue.left_out_total()), (17, 5));
    assert_eq!(queue.take().len(), 17);
    assert!(queue.offer(event(Kind::PermissionDenied)).is_ok());
    let summaries = queue.summaries(NOW, None);
    let details: Vec<&Value> = summaries.iter().map(|summary| &summary.detail).collect();
    assert_eq!(
        details,
        [
            &json!({ "event": "handshake_ok", "count": 4 }),
            &json!({ "event": "limit_hit", "count": 1 })
        ]
    );
    assert!(queue.summaries(NOW, None).is_empty() && !queue.has_counts());
}

#[test]
fn revocations_have_a_reserve_that_ends() {
    let mut queue = Queue::new(16, 100, 100);
    let kept = (0..30).filter(|_| queue.push(event(Kind::Revocation)) == Recorded::Queued);
    assert_eq!(kept.count(), 18);
}

#[test]
fn refusals_are_listed_up_to_a_rate_for_each_kind() {
    let mut queue = Queue::new(64, 2, 100);
    let mut push = |kind, millis| queue.push(Event::new(kind, Timestamp::from_millis(millis)));
    let [queued, counted] = [Recorded::Queued, Recorded::Counted];
    assert_eq!(
        [0, 1, 2].map(|at| push(Kind::LimitHit, at)),
        [queued, queued, counted]
    );
    assert_eq!(push(Kind::SignInFailed, 3), queued);
    assert_eq!(
        [1000, 1001, 1999].map(|at| push(Kind::LimitHit, at)),
        [queued, queued, counted]
    );
    assert_eq!([0; 4].map(|_| push(Kind::Revocation, 0)), [queued; 4]);
    // Only once the second is over is its count whole.
    assert!(queue.summaries(NOW, Some(1)).is_empty());
    assert_eq!(queue.summaries(NOW, Some(2))[0].detail["count"], 2);
}

#[test]
fn counts_become_lines_when_the_audit_closes() {
    let (_dir, file) = chain(0);
    let log = open(&file);
    for _ in 0..5 {
        log.record(event(Kind::LimitHit));
    }
    assert_eq!(log.left_out(), 3);
    log.close();
    let lines = lines(&file);
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[2]["event"], "summary");
    assert_eq!(
        lines[2]["detail"],
        json!({ "event": "limit_hit", "count": 3 })
    );
}

/// While another process holds the file's lock nothing is written; workers go on, tasks wait.
#[test]
fn recording_never_waits_and_waiting_ends_with_room() {
    let (_dir, file) = chain(0);
    let log = open(&file);
    let other = fs::File::open(&file).unwrap();
    other.lock().unwrap();
    while log.record(event(Kind::HandshakeOk)) == Recorded::Queued {
        std::thread::yield_now();
    }
    let mut waiting = Box::pin(log.record_waiting(event(Kind::Revocation)));
    // The writer may take the queue once more before it meets the lock; then it cannot.
    let mut context = Context::from_waker(Waker::noop());
    let mut polled = waiting.as_mut().poll(&mut context);
    while polled.is_ready() {
        while log.record(event(Kind::HandshakeOk)) == Recorded::Queued {}
        waiting = Box::pin(log.record_waiting(event(Kind::Revocation)));
        polled = waiting.as_mut().poll(&mut context);
    }
    assert_eq!(polled, Poll::Pending);
    assert_eq!(log.record(event(Kind::HandshakeOk)), Recorded::Counted);
    other.unlock().unwrap();
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(waiting);
    log.flush().unwrap();
    assert_eq!(lines(&file).last().unwrap()["event"], "revocation");
    drop(log);
    assert!(verify(&file, &key("k"), None).is_ok());
}

#[test]
fn a_file_that_was_cut_beneath_its_writer_is_recorded() {
    let (_dir, file) = chain(2);
    let mut chain = ChainFile::open(&file, key("k"), NOW).unwrap();
    fs::OpenOptions::new()
        .write(true)
        .open(&file)
        .unwrap()
        .set_len(10)
        .unwrap();
    // What is left is a part of the first line: the chain starts again, and says so.
    chain.append(&[event(Kind::Stop)], NOW).unwrap();
    assert_eq!(verify(&file, &key("k"), None).unwrap().recovered, [1]);
}

#[test]
fn an_audit_that_is_off_takes_everything_and_keeps_nothing() {
    let log = AuditLog::off();
    assert_eq!(log.record(event(Kind::Start)), Recorded::Counted);
    log.record_blocking(event(Kind::Revocation));
    log.flush().unwrap();
    log.close();
    assert_eq!(log.queued(), 0);
}

#[test]
fn a_line_stands_by_itself() {
    let mut head = Head::START;
    let mut line = Vec::new();
    head.append(&event(Kind::Start), &key("k"), &mut line)
        .unwrap();
    let standing = Standing::read(&line, &key("k")).map_err(|flaw| flaw.to_string());
    let standing = standing.unwrap_or_else(|flaw| panic!("{flaw}"));
    assert_eq!((standing.head, standing.event.as_str()), (head, "start"));
    assert_eq!(Standing::read(&line, &key("other")).err(), Some(Flaw::Hash));
}

#[test]
fn usual_events_over_their_rate_are_counted_without_being_made() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("audit.log");
    let log = AuditLog::open(
        Options {
            usual_per_second: 3,
            ..options(&file, 64)
        },
        Arc::new(Frozen),
    )
    .unwrap();
    let mut made = 0;
    for _ in 0..10 {
        log.record_usual(Kind::HandshakeOk, NOW, || {
            made += 1;
            event(Kind::HandshakeOk)
        });
    }
    assert_eq!((made, log.left_out()), (3, 7));
    log.close();
    let text = fs::read_to_string(&file).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert_eq!(lines[3]["detail"]["count"], 7, "{text}");
}

#[test]
fn the_console_offers_every_kind() {
    let page = include_str!("../../../../web/src/console/sections/Audit.tsx");
    let offers = |kind: &&Kind| page.contains(&format!("  \"{}\",", kind.name()));
    let missing: Vec<_> = Kind::ALL.iter().filter(|kind| !offers(kind)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
