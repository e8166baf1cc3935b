//! A PostgreSQL server of one run, made from the machine's binaries.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use conclave_store::{Address, PostgresOptions};

use super::house;
use super::machine::SERVER_CORE;
use super::subject::{Launch, Process};
use crate::stored::Stored;

/// A server with an empty database, whose commits reach the disk; it ends when dropped.
pub(super) struct Postgres {
    process: Process,
}

impl Postgres {
    /// Starts it on the core of the process under test, as its own user where this one is root.
    /// Nothing where the machine has none.
    ///
    /// # Errors
    /// It is there and does not start.
    pub(super) fn start() -> Result<Option<Self>> {
        if !is_installed() {
            eprintln!("no PostgreSQL server: its rows are left out");
            return Ok(None);
        }
        let process = Process::start(&Launch {
            program: PathBuf::from("sh"),
            arguments: ["-c", SCRIPT].map(str::to_owned).into(),
            environment: vec![
                ("FOLDER", "{folder}".to_owned()),
                ("PORT", "{port}".to_owned()),
            ],
            cores: vec![SERVER_CORE],
        })?;
        let server = Self { process };
        server.await_ready()?;
        Ok(Some(server))
    }

    /// It listens before it lets anybody in.
    fn await_ready(&self) -> Result<()> {
        let (stored, deadline) = (self.stored()?, Instant::now() + START_TIMEOUT);
        house::runtime()?.block_on(async {
            loop {
                match stored.open().await {
                    Ok(store) => return Ok(store.close().await?),
                    Err(error) if Instant::now() >= deadline => return Err(error.into()),
                    Err(_it_starts) => tokio::time::sleep(AGAIN).await,
                }
            }
        })
    }

    /// Where its database is.
    pub(super) fn url(&self) -> String {
        format!("postgres://conclave@{}/postgres", self.process.address)
    }

    /// The store in it.
    ///
    /// # Errors
    /// Never: the address is one.
    pub(super) fn stored(&self) -> Result<Stored> {
        let address = Address::parse(&self.url()).context("no address of a database")?;
        Ok(Stored::Database(address, PostgresOptions::default()))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.process.interrupt();
    }
}

fn is_installed() -> bool {
    std::fs::read_dir("/usr/lib/postgresql").is_ok_and(|mut versions| versions.next().is_some())
}

const START_TIMEOUT: Duration = Duration::from_secs(10);
const AGAIN: Duration = Duration::from_millis(50);
const SCRIPT: &str = r#"
set -e
for bin in /usr/lib/postgresql/*/bin; do PATH=$bin:$PATH; done
as=
mkdir "$FOLDER/db"
if [ "$(id -u)" = 0 ]; then
  chown postgres "$FOLDER/db"
  as="setpriv --reuid=postgres --regid=postgres --clear-groups"
fi
cd "$FOLDER/db"
$as initdb -A trust -U conclave --no-sync -D "$FOLDER/db" >/dev/null
exec $as postgres -D "$FOLDER/db" -h 127.0.0.1 -p "$PORT" -k ''
"#;
