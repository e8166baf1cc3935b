//! `conclave store migrate`.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;

use conclave_protocol::Clock;
use conclave_store::{Progress, Step, transfer};
use serde_json::json;

use super::{Failure, MigrateArgs};
use crate::audit::{Event, Kind};
use crate::cli::desk::by_command_line;
use crate::clock::WallClock;
use crate::stored::{self, Stored};

pub(super) async fn migrate(
    args: MigrateArgs,
    out: impl Write + IsTerminal + Send,
) -> Result<String, Failure> {
    let setup = args.location.setup()?;
    let from = file(args.from.unwrap_or_else(|| setup.config.store_path()));
    if !from.is_file() {
        let problem = "there is no store; is --from right?";
        return Err(Failure::failed(format!("{}: {problem}", from.display())));
    }
    let to = match &args.to {
        Some(url) => stored::address("--to", Some(url))?,
        None => stored::address("store.url", setup.config.store.url.as_ref())?,
    };
    let Some(to) = to else {
        let problem = "--to: nothing given, expected the URL of a database, as store.url has none";
        return Err(Failure::usage(problem.to_owned()));
    };
    let clock: Arc<dyn Clock> = Arc::new(WallClock::new());
    let audit = crate::start::open_audit(&setup.config, &clock)?;
    let mut bar = Bar::new(out);
    let done = transfer(&from, &to, &mut |progress| bar.show(progress)).await;
    bar.end();
    let done = done.map_err(anyhow::Error::from)?;
    let detail = json!({
        "action": "store_migrate", "by": by_command_line(), "from": from.display().to_string(),
        "to": to.to_string(), "rows": done.rows,
    });
    audit.record_blocking(Event::new(Kind::AdminAction, clock.now()).detail(detail));
    audit.flush()?;
    let mut said = format!(
        "{to}: {rows} rows in {tables} tables, all as in {from}\n",
        rows = done.rows,
        tables = done.tables,
        from = from.display(),
    );
    if done.replaced > 0 {
        let replaced = done.replaced;
        said.push_str(&format!(
            "{replaced} texts had a U+0000, which PostgreSQL cannot keep; it is a U+FFFD there\n"
        ));
    }
    Ok(said)
}

/// The database file, also where its folder is named.
fn file(from: PathBuf) -> PathBuf {
    if from.is_dir() {
        return from.join(Stored::FILE);
    }
    from
}

/// How far it is: one line that changes on a terminal, one for each table elsewhere.
struct Bar<W> {
    out: W,
    changes: bool,
    shown: Option<(Step, &'static str, u64)>,
}

impl<W: Write + IsTerminal> Bar<W> {
    fn new(out: W) -> Self {
        Self {
            changes: out.is_terminal(),
            out,
            shown: None,
        }
    }

    fn show(&mut self, progress: Progress) {
        let Progress {
            step,
            table,
            rows,
            of,
        } = progress;
        let percent = rows.min(of) * 100 / of.max(1);
        let now = (step, table, percent);
        // Many rows of a great table are one percent of it.
        if self.shown == Some(now) || !self.changes && rows < of {
            return;
        }
        self.shown = Some(now);
        let word = match step {
            Step::Copy => "copied",
            Step::Compare => "compared",
        };
        let full = usize::try_from(percent / 4).unwrap_or_default();
        let (before, after) = if self.changes {
            ("\r\x1b[K", "")
        } else {
            ("", "\n")
        };
        let bar = format!("[{:<25}]", "#".repeat(full));
        let line =
            format!("{before}{bar} {percent:3} % {table}: {rows} of {of} rows {word}{after}");
        // Who does not look at it needs no bar.
        self.out.write_all(line.as_bytes()).ok();
        self.out.flush().ok();
    }

    fn end(&mut self) {
        if self.changes && self.shown.is_some() {
            self.out.write_all(b"\n").ok();
        }
    }
}
