//! `conclave key …`: keys of backends for the server API. The store has their hashes only.

mod change;
mod list;
#[cfg(test)]
mod tests;

use std::time::Duration;

use clap::{Args, Subcommand};

use super::{Failure, Location, print, runtime};

/// What to do with the keys of backends. Works beside a running server, which follows within 2 s.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum KeyCommand {
    /// Make a key and print it, this once; stdout has nothing else
    Add(KeyAddArgs),
    /// List keys: never the keys themselves
    List(KeyListArgs),
    /// Refuse a key from now on
    Revoke(KeyRevokeArgs),
}

/// A key to make.
#[derive(Args, Clone, Debug)]
pub struct KeyAddArgs {
    /// What lists and the audit call it; no other key in force has the name
    #[arg(long, value_name = "NAME")]
    pub name: String,
    /// Permission, such as server.publish; may be given several times
    #[arg(long = "permission", value_name = "PERMISSION", required = true)]
    pub permissions: Vec<String>,
    /// When it ends: a number and s, m, h, d or w, or never
    #[arg(long, value_name = "TIME", default_value = "90d", value_parser = life)]
    pub expires: Life,
    /// Where the keys are.
    #[command(flatten)]
    pub location: Location,
}

/// How long a key is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Until it is revoked.
    Endless,
    /// So long, from now on.
    For(Duration),
}

/// How to list keys.
#[derive(Args, Clone, Debug)]
pub struct KeyListArgs {
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
    /// Where the keys are.
    #[command(flatten)]
    pub location: Location,
}

/// A key to revoke.
#[derive(Args, Clone, Debug)]
pub struct KeyRevokeArgs {
    /// Its id, or the name of a key in force
    #[arg(value_name = "KEY")]
    pub key: String,
    /// Where the keys are.
    #[command(flatten)]
    pub location: Location,
}

/// What a command says. Has no Debug: it may hold a key.
struct Said {
    /// For stdout.
    answer: String,
    /// For stderr.
    note: String,
}

pub(super) fn run(command: KeyCommand) -> Result<(), Failure> {
    let said = runtime()?.block_on(perform(command))?;
    print(said.answer.as_bytes())?;
    if !said.note.is_empty() {
        // Nobody is left to be told where stderr is closed.
        std::io::Write::write_all(&mut std::io::stderr(), said.note.as_bytes()).ok();
    }
    Ok(())
}

async fn perform(command: KeyCommand) -> Result<Said, Failure> {
    let answer = match command {
        KeyCommand::Add(args) => return change::add(args).await,
        KeyCommand::List(args) => list::list(args).await?,
        KeyCommand::Revoke(args) => change::revoke(args).await?,
    };
    Ok(Said {
        answer,
        note: String::new(),
    })
}

/// `90d`, `12h`, `never`: from a minute to ten years.
fn life(text: &str) -> Result<Life, String> {
    if text == "never" {
        return Ok(Life::Endless);
    }
    let expected = || "expected never, or a time such as 90d or 12h, from 1m to 3650d".to_owned();
    let (count, unit) = text
        .char_indices()
        .last()
        .and_then(|(at, _)| text.split_at_checked(at))
        .ok_or_else(expected)?;
    let unit: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => DAY_SECONDS,
        "w" => 7 * DAY_SECONDS,
        _ => return Err(expected()),
    };
    let count: u32 = count.parse().map_err(|_not_a_number| expected())?;
    let seconds = u64::from(count).saturating_mul(unit);
    if !(60..=3650 * DAY_SECONDS).contains(&seconds) {
        return Err(expected());
    }
    Ok(Life::For(Duration::from_secs(seconds)))
}

const DAY_SECONDS: u64 = 24 * 60 * 60;

const EXAMPLES: &str = "\
Examples:
  conclave key add --name billing --permission server.publish --expires 90d > billing.key
  conclave key list --json
  conclave key revoke billing";
