//! `conclave serve`: its flags.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::{Exit, Failure, environment};
use crate::config::{self, Flags, Launch, Profile};
use crate::telemetry;

/// How to start a server.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct ServeArgs {
    /// For trying out: loopback only, known users with known passwords, anonymous clients
    #[arg(long)]
    pub dev: bool,
    /// Address to listen on, instead of the configured ones; may be given several times
    #[arg(long, value_name = "ADDR")]
    pub listen: Vec<SocketAddr>,
    /// Data folder, instead of the configured one [default: ./conclave-data]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Configuration file [default: ./conclave.toml, where it exists]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// For conformance suites: loopback only, /echo, limits raised to what they send
    #[arg(long)]
    pub conformance: bool,
    /// Worker threads, instead of the configured number; 0 is one per core
    #[arg(long, value_name = "N")]
    pub workers: Option<u16>,
}

impl ServeArgs {
    /// The flags as a source of the configuration.
    #[must_use]
    pub fn launch(&self) -> Launch {
        Launch {
            config_file: self.config.clone(),
            profile: Profile {
                dev: self.dev,
                conformance: self.conformance,
            },
            flags: Flags {
                listen: self.listen.clone(),
                data_dir: self.data_dir.clone(),
                workers: self.workers,
            },
        }
    }
}

/// Serves until a signal ends it.
pub(super) fn run(arguments: &ServeArgs) -> Result<(), Failure> {
    let setup = config::load(&arguments.launch(), environment())?;
    let failed = |error: anyhow::Error| Failure {
        message: format!("{error:#}").replace('\n', " "),
        exit: Exit::Failed,
    };
    telemetry::install(&setup.config.log).map_err(|error| failed(error.into()))?;
    crate::serve::run(setup).map_err(failed)
}

const EXAMPLES: &str = "\
Examples:
  conclave serve --dev
  conclave serve --listen 0.0.0.0:8081 --listen '[::]:8081' --data-dir /var/lib/conclave
  JWT_SECRET_KEY=... conclave serve --config /etc/conclave.toml

SIGTERM stops it in order within server.drain_seconds, a second one at once; SIGHUP reads the
certificate again.";
