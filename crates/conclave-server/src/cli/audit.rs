//! `conclave audit …`.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use conclave_protocol::Timestamp;

use super::{Failure, Location, print};
use crate::audit::{AuditError, AuditKey, Checkpoint, checkpoint, verify};
use crate::config::{Setup, stored_secret};

/// What to do with the audit chain.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(super) enum AuditCommand {
    /// Check every line, and name the first one that is wrong
    Verify {
        /// Where the chain is.
        #[command(flatten)]
        location: Location,
        /// A checkpoint that must still be in the chain
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
    },
    /// Check every line, and print the signed head of the chain, to be kept elsewhere
    Checkpoint {
        /// Where the chain is.
        #[command(flatten)]
        location: Location,
    },
}

pub(super) fn run(command: AuditCommand) -> Result<(), Failure> {
    let text = match command {
        AuditCommand::Verify {
            location,
            checkpoint,
        } => verified(&location.setup()?, checkpoint.as_deref())?,
        AuditCommand::Checkpoint { location } => {
            let setup = location.setup()?;
            let millis = jiff::Timestamp::now().as_millisecond();
            let now = Timestamp::from_millis(u64::try_from(millis).unwrap_or_default());
            let signed = checkpoint(&setup.config.audit_file(), &key(&setup)?, now)?;
            let line = serde_json::to_string(&signed).map_err(std::io::Error::from)?;
            format!("{line}\n")
        }
    };
    print(text.as_bytes())
}

fn verified(setup: &Setup, kept: Option<&Path>) -> Result<String, Failure> {
    let kept = kept.map(read_checkpoint).transpose()?;
    let file = setup.config.audit_file();
    let report = verify(&file, &key(setup)?, kept.as_ref())?;
    let mut text = format!(
        "{}: {} lines, the chain holds\n",
        file.display(),
        report.head.seq()
    );
    for line in report.recovered {
        text.push_str(&format!(
            "line {line}: after a crash, an unfinished line was cut here\n"
        ));
    }
    if let Some(kept) = kept {
        text.push_str(&format!("the checkpoint of line {} is in it\n", kept.seq()));
    }
    Ok(text)
}

fn read_checkpoint(path: &Path) -> Result<Checkpoint, Failure> {
    let failed = |problem: String| Failure::failed(format!("{}: {problem}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| failed(format!("is not a checkpoint: {error}")))
}

fn key(setup: &Setup) -> Result<AuditKey, Failure> {
    Ok(AuditKey::new(&stored_secret(
        &setup.config.audit_key_file(),
    )?))
}

impl From<AuditError> for Failure {
    fn from(error: AuditError) -> Self {
        Self::failed(error.to_string())
    }
}

const EXAMPLES: &str = "\
Examples:
  conclave audit verify --data-dir ./conclave-data
  conclave audit checkpoint > /mnt/elsewhere/checkpoint.json
  conclave audit verify --checkpoint /mnt/elsewhere/checkpoint.json

Exits with 1 where a line is wrong. Whoever can write the file can cut its end: only a checkpoint
that was kept elsewhere shows that.";
