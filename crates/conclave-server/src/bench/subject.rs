//! The process under test: started on its own core, its CPU and memory read from `/proc`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;

use super::machine::{LOAD_CORE, pin};

/// What is measured, and what it is measured against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(super) enum Subject {
    /// This server
    Conclave,
    /// axum's WebSocket with `tokio::sync::broadcast`, checking the same JWT
    Usual,
    /// The kernel alone: the same bytes by as many system calls, nothing else
    Floor,
    /// socket.io on Node, in the scenario `socketio`
    #[value(skip)]
    Node,
    /// The store by itself, without a server, in the scenarios of rooms
    #[value(skip)]
    Store,
}

impl Subject {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Conclave => "conclave",
            Self::Usual => "usual",
            Self::Floor => "floor",
            Self::Node => "node",
            Self::Store => "store",
        }
    }
}

/// How a process is started.
#[derive(Debug)]
pub(super) struct Launch {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(&'static str, String)>,
    pub(super) cores: Vec<usize>,
}

/// A running process under test; killed when dropped, its folder removed.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    folder: PathBuf,
    pub(super) address: SocketAddrV4,
    /// CPU of each thread when it was last looked at, in nanoseconds: those that have ended count too.
    threads: RefCell<BTreeMap<OsString, u64>>,
}

impl Process {
    /// Starts the process on its cores and waits until it listens. `{address}`, `{port}` and `{folder}`
    /// in the arguments and the environment stand for its address, the port of it and its own empty
    /// folder.
    ///
    /// # Errors
    /// It cannot be started, ends at once, or does not listen within 10 s; the message carries the
    /// end of what it wrote to stderr.
    pub(super) fn start(launch: &Launch) -> Result<Self> {
        let address = free_address()?;
        let folder = std::env::temp_dir().join(format!(
            "conclave-bench-{}-{}",
            std::process::id(),
            address.port()
        ));
        fs::create_dir_all(&folder).context("cannot make a folder for the process under test")?;
        let fill = |text: &str| {
            text.replace("{address}", &address.to_string())
                .replace("{port}", &address.port().to_string())
                .replace("{folder}", &folder.to_string_lossy())
        };
        let log = File::create(folder.join("log"))?;
        pin(&launch.cores)?;
        let child = Command::new(&launch.program)
            .args(launch.arguments.iter().map(|argument| fill(argument)))
            .envs(
                launch
                    .environment
                    .iter()
                    .map(|(name, value)| (name, fill(value))),
            )
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", launch.program.display()));
        pin(&[LOAD_CORE])?;
        let mut process = match child {
            Ok(child) => Self {
                child,
                folder,
                address,
                threads: RefCell::default(),
            },
            Err(error) => {
                fs::remove_dir_all(&folder)?;
                return Err(error);
            }
        };
        process.await_listener()?;
        Ok(process)
    }

    fn await_listener(&mut self) -> Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                bail!(
                    "the process under test ended with {status}:\n{}",
                    self.log_tail()
                );
            }
            if listens(self.address)? {
                return Ok(());
            }
            sleep(Duration::from_millis(20));
        }
        bail!(
            "the process under test does not listen on {}:\n{}",
            self.address,
            self.log_tail()
        )
    }

    /// The last lines the process wrote, for an error message.
    pub(super) fn log_tail(&self) -> String {
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines
            .get(lines.len().saturating_sub(LOG_LINES)..)
            .unwrap_or_default()
            .join("\n")
    }

    /// CPU time of all its threads, user and system, as the scheduler counted it.
    ///
    /// # Errors
    /// The process is gone, or the kernel keeps no scheduler statistics.
    pub(super) fn cpu(&self) -> Result<Duration> {
        let mut threads = self.threads.borrow_mut();
        for task in fs::read_dir(self.proc("task")).context("the process under test is gone")? {
            let task = task?;
            // A thread may end between the listing and the read.
            let Ok(statistics) = fs::read_to_string(task.path().join("schedstat")) else {
                continue;
            };
            let first = statistics
                .split_ascii_whitespace()
                .next()
                .context("empty schedstat")?;
            threads.insert(task.file_name(), first.parse()?);
        }
        let nanoseconds = threads.values().sum();
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// Asks it to end, and waits until it has.
    pub(super) fn interrupt(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if pid.is_some_and(|pid| kill_process(pid, Signal::INT).is_ok()) {
            // What goes wrong here, its end by force shows.
            self.child.wait().ok();
        }
    }

    /// Anonymous memory in bytes: heap and stacks, without the kernel's socket buffers and the
    /// pages of the binary.
    ///
    /// # Errors
    /// The process is gone.
    pub(super) fn anonymous_bytes(&self) -> Result<u64> {
        let rollup = fs::read_to_string(self.proc("smaps_rollup"))
            .context("the process under test is gone")?;
        let line = rollup
            .lines()
            .find_map(|line| line.strip_prefix("Anonymous:"))
            .context("no Anonymous line in smaps_rollup")?;
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kibibytes * 1024)
    }

    fn proc(&self, name: &str) -> PathBuf {
        Path::new("/proc")
            .join(self.child.id().to_string())
            .join(name)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let ended = self.child.kill().and_then(|()| self.child.wait());
        if let Err(error) = ended.and_then(|_| fs::remove_dir_all(&self.folder)) {
            eprintln!(
                "bench: cannot clear away {}: {error}",
                self.folder.display()
            );
        }
    }
}

/// Whether somebody listens there: read from the kernel's table, so that the process under test does
/// not see a connection that no scenario made.
fn listens(address: SocketAddrV4) -> Result<bool> {
    let table = fs::read_to_string("/proc/net/tcp").context("cannot read /proc/net/tcp")?;
    let ip = u32::from_le_bytes(address.ip().octets());
    let local = format!("{ip:08X}:{:04X}", address.port());
    Ok(table.lines().any(|line| {
        let mut columns = line.split_ascii_whitespace().skip(1);
        columns.next() == Some(&local) && columns.nth(1) == Some(LISTENING)
    }))
}

/// A loopback port that nobody holds at the moment.
fn free_address() -> Result<SocketAddrV4> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(SocketAddrV4::new(
        Ipv4Addr::LOCALHOST,
        listener.local_addr()?.port(),
    ))
}

/// A blocking connection for the floor's control.
///
/// # Errors
/// The floor does not accept.
pub(super) fn control(process: &Process) -> Result<TcpStream> {
    let control = TcpStream::connect(process.address).context("the floor does not accept")?;
    control.set_nodelay(true)?;
    control.set_read_timeout(Some(START_TIMEOUT))?;
    Ok(control)
}

const START_TIMEOUT: Duration = Duration::from_secs(10);
const LOG_LINES: usize = 12;
/// State of a listening socket in `/proc/net/tcp`.
const LISTENING: &str = "0A";
