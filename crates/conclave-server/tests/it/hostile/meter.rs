//! What a server costs: its own memory, and the kernel's for its sockets.

use std::fs;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::world::World;

/// Bytes that a process holds, and that the kernel holds for its sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    /// Private anonymous memory.
    pub(super) private: usize,
    /// Payload in the queues of all sockets of its ports.
    pub(super) kernel: usize,
    /// The most that a single socket waits to send: sent and not acknowledged, or not sent.
    pub(super) sending: usize,
    /// The most that a single socket has received and was not asked for.
    pub(super) receiving: usize,
}

impl Cost {
    /// What a server costs now.
    pub(super) fn of(pid: u32, ports: &[u16]) -> Self {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"));
        let mut cost = Self {
            private: anonymous(&rollup.expect("a running server")),
            ..Self::default()
        };
        for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
            let Ok(sockets) = fs::read_to_string(table) else {
                continue;
            };
            let queues = sockets
                .lines()
                .skip(1)
                .filter_map(|line| queues(line, ports));
            queues.for_each(|queues| cost.add(queues));
        }
        cost
    }

    fn add(&mut self, (sending, receiving): (usize, usize)) {
        self.kernel += sending + receiving;
        self.sending = self.sending.max(sending);
        self.receiving = self.receiving.max(receiving);
    }

    fn most(self, other: Self) -> Self {
        Self {
            private: self.private.max(other.private),
            kernel: self.kernel.max(other.kernel),
            sending: self.sending.max(other.sending),
            receiving: self.receiving.max(other.receiving),
        }
    }
}

/// The line `Anonymous: N kB`; shared pages cannot be among them, since the server never forks.
fn anonymous(rollup: &str) -> usize {
    let line = rollup
        .lines()
        .find_map(|line| line.strip_prefix("Anonymous:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<usize>().ok());
    kib.expect("a kernel that counts anonymous memory") * 1024
}

/// Both queues of a connected socket of one of these ports: proc(5), `/proc/net/tcp`.
fn queues(line: &str, ports: &[u16]) -> Option<(usize, usize)> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let (_, port) = fields.next()?.rsplit_once(':')?;
    if !ports.contains(&u16::from_str_radix(port, 16).ok()?) {
        return None;
    }
    let state = fields.nth(1)?;
    let (sending, receiving) = fields.next()?.split_once(':')?;
    let number = |hex| usize::from_str_radix(hex, 16).ok();
    (state != LISTEN).then_some((number(sending)?, number(receiving)?))
}

/// Looks at a server all the time.
pub(super) struct Meter {
    before: Cost,
    stop: Sender<()>,
    thread: JoinHandle<Cost>,
}

impl Meter {
    /// Starts with what the server costs now.
    pub(super) fn start(world: &World) -> Self {
        let pid = world.pid();
        let ports: Vec<u16> = world
            .addresses
            .iter()
            .map(|(address, _)| address.port())
            .collect();
        let before = Cost::of(pid, &ports);
        let (stop, stopped) = channel();
        let thread = std::thread::spawn(move || watch(pid, &ports, &stopped));
        Self {
            before,
            stop,
            thread,
        }
    }

    /// What the server cost at most, its memory less what it had before.
    pub(super) fn stop(self) -> Cost {
        self.stop.send(()).expect("a watching thread");
        let most = self.thread.join().expect("no panic");
        Cost {
            private: most.private.saturating_sub(self.before.private),
            ..most
        }
    }
}

fn watch(pid: u32, ports: &[u16], stopped: &Receiver<()>) -> Cost {
    let mut most = Cost::default();
    loop {
        let end = stopped.recv_timeout(INTERVAL);
        most = most.most(Cost::of(pid, ports));
        if end != Err(RecvTimeoutError::Timeout) {
            return most;
        }
    }
}

const INTERVAL: Duration = Duration::from_millis(20);
const LISTEN: &str = "0A";
