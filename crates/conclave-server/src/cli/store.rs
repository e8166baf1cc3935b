//! `conclave store …`: what an administrator does with the store. Works beside a running server.
//! Whatever carries rooms away is recorded in the audit; checking is not.

mod migrate;
#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use conclave_store::{Exported, Store};
use serde_json::json;

use super::desk::Desk;
use super::keys::{Missing, store_if_there};
use super::{Failure, Location, print, runtime};
use crate::audit::Kind;
use crate::config::Secret;
use crate::stored::Stored;

/// What to do with the store.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum StoreCommand {
    /// Copy the store to a new file, while the server goes on
    Backup(BackupArgs),
    /// Read all of the store, and say what is wrong with it
    Check(CheckArgs),
    /// Write rooms, members and messages as JSON, one object a line
    Export(ExportArgs),
    /// Copy the store of a stopped server from its file into PostgreSQL
    Migrate(MigrateArgs),
}

/// A copy to make.
#[derive(Args, Clone, Debug)]
pub struct BackupArgs {
    /// The new file; a server can be started on it
    #[arg(value_name = "FILE")]
    pub to: PathBuf,
    /// Where the store is.
    #[command(flatten)]
    pub location: Location,
}

/// A store to check.
#[derive(Args, Clone, Debug)]
pub struct CheckArgs {
    /// Where the store is.
    #[command(flatten)]
    pub location: Location,
}

/// A store to move, and where to.
#[derive(Args, Clone, Debug)]
pub struct MigrateArgs {
    /// The data folder or database file to read [default: that of the server]
    #[arg(long, value_name = "DIR")]
    pub from: Option<PathBuf>,
    /// The empty database to write, a URL [default: store.url; safer for its password]
    #[arg(long, value_name = "URL")]
    pub to: Option<Secret>,
    /// Where the server's configuration and audit are.
    #[command(flatten)]
    pub location: Location,
}

/// What to write out, and where.
#[derive(Args, Clone, Debug)]
pub struct ExportArgs {
    /// A new file instead of stdout
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Where the store is.
    #[command(flatten)]
    pub location: Location,
}

pub(super) fn run(command: StoreCommand) -> Result<(), Failure> {
    let said = runtime()?.block_on(perform(command, io::stdout()))?;
    print(said.as_bytes())
}

/// What is left to be said on stdout; an export without a file goes to `out`.
async fn perform(command: StoreCommand, out: impl Write + Send) -> Result<String, Failure> {
    match command {
        StoreCommand::Backup(args) => backup(args).await,
        StoreCommand::Check(args) => check(args).await,
        StoreCommand::Export(args) => export(args, out).await,
        StoreCommand::Migrate(args) => migrate::migrate(args, io::stderr()).await,
    }
}

async fn check(args: CheckArgs) -> Result<String, Failure> {
    let stored = Stored::of(&args.location.setup()?.config)?;
    let Some(store) = store_if_there(&stored).await? else {
        let problem = "there is no store; is --data-dir right?";
        return Err(Failure::failed(format!("{stored}: {problem}")));
    };
    let findings = store.check().await.map_err(anyhow::Error::from)?;
    store.close().await.map_err(anyhow::Error::from)?;
    if findings.is_empty() {
        return Ok(format!("{stored}: the store is whole\n"));
    }
    let lines = findings.iter().map(ToString::to_string);
    Err(Failure::failed(lines.collect::<Vec<_>>().join("\n")))
}

async fn backup(args: BackupArgs) -> Result<String, Failure> {
    let desk = Desk::open(&args.location, Missing::Refused).await?;
    let copied = desk.store.backup(&args.to).await;
    copied.map_err(anyhow::Error::from)?;
    let detail = json!({ "to": args.to.display().to_string() });
    let event = desk.event(Kind::AdminAction, "store_backup", detail);
    desk.close(event).await?;
    Ok(format!("{}: the copy is complete\n", args.to.display()))
}

async fn export(args: ExportArgs, out: impl Write + Send) -> Result<String, Failure> {
    let desk = Desk::open(&args.location, Missing::Refused).await?;
    let exported = match &args.output {
        None => written(&desk.store, out).await?,
        Some(path) => {
            let file = new_file(path)?;
            let exported = written(&desk.store, &file).await;
            let synced = file.sync_all().map_err(Failure::from);
            match (exported, synced) {
                (Ok(exported), Ok(())) => exported,
                (Err(failure), _) | (Ok(_), Err(failure)) => {
                    // Half of it would pass for the whole; what cannot be removed stays.
                    std::fs::remove_file(path).ok();
                    return Err(failure);
                }
            }
        }
    };
    let Exported {
        rooms,
        members,
        messages,
    } = exported;
    let to = args.output.as_deref().map(Path::display);
    let to = to.map(|path| path.to_string());
    let detail = json!({ "to": to, "rooms": rooms, "messages": messages });
    let event = desk.event(Kind::AdminAction, "store_export", detail);
    desk.close(event).await?;
    Ok(to.map_or(String::new(), |to| {
        format!("{to}: {rooms} rooms, {members} members, {messages} messages\n")
    }))
}

async fn written(store: &Store, out: impl Write + Send) -> Result<Exported, Failure> {
    let exported = store.export(&mut BufWriter::new(out)).await;
    Ok(exported.map_err(anyhow::Error::from)?)
}

/// What people wrote to each other is for the owner alone.
fn new_file(path: &Path) -> Result<File, Failure> {
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    made.map_err(|error| Failure::failed(format!("{}: {error}", path.display())))
}

const EXAMPLES: &str = "\
Examples:
  conclave store check --data-dir ./conclave-data
  conclave store backup /mnt/elsewhere/conclave-monday.db
  conclave store export --output rooms.jsonl
  conclave store export | jq 'select(.type == \"message\")'
  conclave store migrate --from ./conclave-data --to postgres://conclave@localhost/chat

A backup is one file of mode 0600 with everything in it, hashes of passwords and keys included; put
it in place of conclave.db of a stopped server to go back to it. An export has rooms, members and
messages. A store in PostgreSQL is backed up with pg_dump.

`migrate` copies everything, then compares both sides row by row; interrupted, it goes on where it was
when it is called again. The file stays as it is. Afterwards set store.url and start the server.

All but `check` are recorded in the audit.

Exit codes:
  0  done; the store is whole
  1  the command failed, or `check` found something: a line each on stderr
  2  the command line or the configuration is wrong";
