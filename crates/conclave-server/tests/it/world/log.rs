//! What a server says on stderr.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The server's stderr, line by line.
#[derive(Default)]
pub(super) struct Log {
    lines: Mutex<Lines>,
    grown: Condvar,
}

#[derive(Default)]
struct Lines {
    parsed: Vec<Value>,
    ended: bool,
}

impl Log {
    pub(super) fn push(&self, line: String) {
        // Lines that are no JSON come before the log is set up.
        let parsed = serde_json::from_str(&line).unwrap_or(Value::String(line));
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .parsed
            .push(parsed);
        self.grown.notify_all();
    }

    pub(super) fn end(&self) {
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .ended = true;
        self.grown.notify_all();
    }

    pub(super) fn wait<T>(
        &self,
        patience: Duration,
        mut look: impl FnMut(&[Value]) -> Option<T>,
    ) -> T {
        let end = Instant::now() + patience;
        let mut lines = self.lines.lock().expect("no panic while locked");
        loop {
            if let Some(found) = look(&lines.parsed) {
                return found;
            }
            let left = end.saturating_duration_since(Instant::now());
            if lines.ended || left.is_zero() {
                let parsed = lines.parsed.clone();
                drop(lines);
                panic!("no such line in the server's log: {parsed:#?}");
            }
            lines = self
                .grown
                .wait_timeout(lines, left)
                .expect("no panic while locked")
                .0;
        }
    }

    pub(super) fn text(&self) -> String {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines
            .parsed
            .iter()
            .map(|line| format!("{line}\n"))
            .collect()
    }
}
