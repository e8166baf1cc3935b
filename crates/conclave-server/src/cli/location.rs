//! Where the commands that work beside a server find its files.

use std::path::PathBuf;

use clap::Args;

use super::environment;
use crate::config::{Faults, Flags, Launch, Profile, Setup, read};

/// Where a server's configuration and data are.
#[derive(Args, Clone, Debug, Default)]
pub struct Location {
    /// Configuration file [default: ./conclave.toml, where it exists]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Data folder [default: ./conclave-data]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

impl Location {
    /// The configuration there, with the environment over it; the rules between values are not
    /// applied.
    ///
    /// # Errors
    /// Everything that cannot be read.
    pub fn setup(&self) -> Result<Setup, Faults> {
        let flags = Flags {
            data_dir: self.data_dir.clone(),
            ..Flags::default()
        };
        let launch = Launch {
            config_file: self.config.clone(),
            profile: Profile::default(),
            flags,
        };
        read(&launch, environment())
    }
}
