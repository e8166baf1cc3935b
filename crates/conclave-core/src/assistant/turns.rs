//! Whose question is answered when: one answer at a time in a room, the others wait in line.

use std::collections::{HashMap, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;

use conclave_protocol::{MessageId, RoomId, UserId};
use parking_lot::Mutex;

/// A question, and the name of its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    /// Where it was asked.
    pub(super) room: RoomId,
    /// The message that asks.
    pub(super) message: MessageId,
    /// Its place in the room.
    pub(super) seq: u64,
    /// Who asks.
    pub(super) asker: UserId,
    /// The id that the answer gets.
    pub(super) answer: MessageId,
}

/// What becomes of a question.
#[derive(Clone, Debug)]
pub(super) enum Admission {
    /// It is answered now.
    Now(Arc<Stop>),
    /// Others of its room come first.
    Waits,
    /// Too many wait in its room, or everywhere.
    Full,
}

/// Says to an answer under way that it is to end.
#[derive(Debug, Default)]
pub(super) struct Stop {
    stopped: AtomicBool,
    /// It is said that somebody answers.
    begun: AtomicBool,
    /// There is nothing to be stopped any more.
    over: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

/// The questions of all rooms.
#[derive(Debug)]
pub(super) struct Turns {
    lines: Mutex<Lines>,
    per_room: usize,
    in_all: usize,
}

#[derive(Debug, Default)]
struct Lines {
    rooms: HashMap<RoomId, Line>,
    waiting: usize,
}

#[derive(Debug)]
struct Line {
    /// The message that asks.
    message: MessageId,
    asker: UserId,
    answer: MessageId,
    /// When its turn began.
    since: Duration,
    stop: Arc<Stop>,
    waiting: VecDeque<Question>,
}

/// What was given up.
#[derive(Debug, Default)]
pub(super) struct Abandoned {
    /// The answer that was under way, the questions that waited, and who asked.
    pub(super) failed: Vec<(MessageId, UserId)>,
    /// The first of them, where it is an answer.
    pub(super) under_way: Option<MessageId>,
}

/// An answer under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Where.
    pub room: RoomId,
    /// Who asked.
    pub asker: UserId,
    /// The id that the answer will have.
    pub message: MessageId,
    /// When its turn began, by the monotonic clock.
    pub since: Duration,
}

impl Line {
    fn running(&self, room: &RoomId) -> Running {
        Running {
            room: room.clone(),
            asker: self.asker.clone(),
            message: self.answer,
            since: self.since,
        }
    }
}

impl Turns {
    /// At most `per_room` wait in a room, and `in_all` are answered or wait.
    pub(super) fn new(per_room: usize, in_all: usize) -> Self {
        Self {
            lines: Mutex::default(),
            per_room,
            in_all,
        }
    }

    /// Takes a question.
    pub(super) fn ask(&self, question: &Question, now: Duration) -> Admission {
        let mut lines = self.lines.lock();
        let Lines { rooms, waiting } = &mut *lines;
        if rooms.len() + *waiting >= self.in_all {
            return Admission::Full;
        }
        if let Some(line) = rooms.get_mut(&question.room) {
            if line.waiting.len() >= self.per_room {
                return Admission::Full;
            }
            line.waiting.push_back(question.clone());
            *waiting += 1;
            return Admission::Waits;
        }
        let stop = Arc::new(Stop::default());
        let line = Line {
            message: question.message,
            asker: question.asker.clone(),
            answer: question.answer,
            since: now,
            stop: Arc::clone(&stop),
            waiting: VecDeque::new(),
        };
        rooms.insert(question.room.clone(), line);
        Admission::Now(stop)
    }

    /// The answer of a room has ended; the question that is answered now.
    pub(super) fn next(&self, room: &RoomId, now: Duration) -> Option<(Question, Arc<Stop>)> {
        let mut lines = self.lines.lock();
        let line = lines.rooms.get_mut(room)?;
        let Some(question) = line.waiting.pop_front() else {
            lines.rooms.remove(room);
            return None;
        };
        let stop = Arc::new(Stop::default());
        line.asker = question.asker.clone();
        (line.message, line.answer, line.since) = (question.message, question.answer, now);
        line.stop = Arc::clone(&stop);
        lines.waiting -= 1;
        Some((question, stop))
    }

    /// The answer of a room was given up together with whatever gave it: nobody waits for it.
    pub(super) fn abandon(&self, room: &RoomId) -> Abandoned {
        let mut lines = self.lines.lock();
        let Some(line) = lines.rooms.remove(room) else {
            return Abandoned::default();
        };
        lines.waiting -= line.waiting.len();
        let has_begun = line.stop.has_begun();
        let first = match has_begun {
            true => line.answer,
            false => line.message,
        };
        let waited = line.waiting.into_iter();
        let waited = waited.map(|question| (question.message, question.asker));
        Abandoned {
            failed: std::iter::once((first, line.asker)).chain(waited).collect(),
            under_way: has_begun.then_some(line.answer),
        }
    }

    /// What is answered in a room, and has not ended.
    pub(super) fn running_in(&self, room: &RoomId) -> Option<Running> {
        let lines = self.lines.lock();
        let is_under_way = |line: &&Line| line.stop.has_begun() && !line.stop.is_over();
        let line = lines.rooms.get(room).filter(is_under_way);
        line.map(|line| line.running(room))
    }

    /// What is answered, in no order.
    pub(super) fn running(&self, limit: usize) -> Vec<Running> {
        let lines = self.lines.lock();
        let running = lines.rooms.iter();
        let running = running.filter(|(_, line)| line.stop.has_begun());
        let running = running.take(limit);
        running.map(|(room, line)| line.running(room)).collect()
    }

    /// Stops an answer of a room; whether it is under way.
    pub(super) fn stop(&self, room: &RoomId, answer: MessageId) -> bool {
        let stop = {
            let lines = self.lines.lock();
            let is_it = |line: &&Line| line.answer == answer && !line.stop.is_over();
            let line = lines.rooms.get(room).filter(is_it);
            line.map(|line| Arc::clone(&line.stop))
        };
        stop.is_some_and(|stop| {
            stop.stop();
            true
        })
    }

    /// Rooms with an answer under way, and questions that wait.
    pub(super) fn counts(&self) -> (usize, usize) {
        let lines = self.lines.lock();
        (lines.rooms.len(), lines.waiting)
    }
}

impl Stop {
    fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        if let Some(waker) = self.waker.lock().take() {
            waker.wake();
        }
    }

    /// It is said that somebody answers.
    pub(super) fn begin(&self) {
        self.begun.store(true, Ordering::SeqCst);
    }

    fn has_begun(&self) -> bool {
        self.begun.load(Ordering::SeqCst)
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// Waits for the work, or until it is to end: `None`. Then there is nothing more to stop.
    pub(super) async fn unless<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let outcome = poll_fn(|context| {
            *self.waker.lock() = Some(context.waker().clone());
            if self.stopped.load(Ordering::SeqCst) {
                return Poll::Ready(None);
            }
            work.as_mut().poll(context).map(Some)
        })
        .await;
        self.over.store(true, Ordering::SeqCst);
        outcome
    }
}
