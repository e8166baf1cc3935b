//! The machine the figures are from: cores, open files, names.

use anyhow::{Context, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setpriority_process, setrlimit};
use rustix::thread::{CpuSet, sched_setaffinity};
use serde::Serialize;

/// What a reader needs to know about the machine to judge the figures.
#[derive(Debug, Serialize)]
pub(super) struct Machine {
    processor: String,
    pub(super) cores: usize,
    kernel: String,
    open_files: u64,
}

impl Machine {
    /// Reads the names from `/proc`, raises the open files to their hard limit and the priority, for
    /// this process and its children.
    ///
    /// # Errors
    /// Fewer than two cores: the server and the generator would share one.
    pub(super) fn prepare() -> Result<Self> {
        let cores = std::thread::available_parallelism()?.get();
        anyhow::ensure!(
            cores >= 2,
            "bench needs two cores: one for the server, one for the load"
        );
        let limit = getrlimit(Resource::Nofile);
        setrlimit(
            Resource::Nofile,
            Rlimit {
                current: limit.maximum,
                maximum: limit.maximum,
            },
        )
        .context("cannot raise the limit of open files")?;
        // So that what else runs on the machine gets in the way less, of all subjects alike. Only
        // root may; for others it must be quiet by itself.
        setpriority_process(None, PRIORITY).ok();
        let processors = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let processor = processors
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
            .map_or_else(|| "unknown".to_owned(), |(_, name)| name.to_owned());
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Ok(Self {
            processor,
            cores,
            kernel: kernel.trim().to_owned(),
            open_files: limit.maximum.unwrap_or(u64::MAX),
        })
    }

    /// # Errors
    /// The hard limit of open files does not allow `connections` in one process.
    pub(super) fn ensure_room(&self, connections: usize) -> Result<()> {
        let needed = u64::try_from(connections)? + SPARE_FILES;
        anyhow::ensure!(
            needed <= self.open_files,
            "this scenario needs {needed} open files, the hard limit is {}",
            self.open_files
        );
        Ok(())
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            processor,
            cores,
            kernel,
            open_files,
        } = self;
        write!(
            out,
            "{processor}, {cores} cores, Linux {kernel}, {open_files} open files"
        )
    }
}

/// Pins the calling thread, and what it spawns from now on, to `cores`.
///
/// # Errors
/// A core that the process may not use.
pub(super) fn pin(cores: &[usize]) -> Result<()> {
    let mut set = CpuSet::new();
    for core in cores {
        set.set(*core);
    }
    sched_setaffinity(None, &set).with_context(|| format!("cannot pin to cores {cores:?}"))
}

/// The core of the process under test.
pub(super) const SERVER_CORE: usize = 0;
/// The core of the load generator.
pub(super) const LOAD_CORE: usize = 1;
const SPARE_FILES: u64 = 100;
/// The highest there is.
const PRIORITY: i32 = -20;
