//! `conclave bench`: what the server costs, against the kernel's floor and a usual server.
//!
//! The process under test has a core of its own and the load generator another; CPU is what the
//! scheduler counted for the process under test. The yardsticks run in the same run with the same
//! generator. No figure comes from inside the process under test.
//!
//! Reading order: `scenario` (what is done), `audience` and `crowd` (by whom), `bed` and `subject`
//! (to what), for rooms `assembly` and `house`; `measurement`, `figure` (the bounds), `report` and
//! `chart`.

mod assembly;
mod audience;
mod bed;
mod chart;
mod crowd;
mod figure;
mod frame;
mod house;
mod latency;
mod ledger;
mod machine;
mod measurement;
mod postgres;
mod report;
mod scenario;
mod simulate;
mod sizes;
mod subject;
mod tls;
mod token;
mod transport;

use std::cell::OnceCell;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};

use bed::{Bed, Programs};
use figure::Figure;
use machine::{LOAD_CORE, Machine, pin};
use measurement::Results;
use report::Report;
use scenario::Scenario;
use simulate::SimulateArguments;
use sizes::Sizes;
use subject::Subject;

/// Measure this server against the kernel's floor and a usual server
///
/// Starts each program on core 0 and loads it from core 1, prints CPU per operation, bytes per
/// connection, latencies and what was lost, duplicated or reordered, and ends with the table of the
/// figures that must be reached. Needs two cores, release builds, and a quiet machine.
///
/// Exit code: 0 when every measured figure is within its bound, 1 when one missed it or the
/// measurement failed. A --quick run never fails for a missed bound.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  conclave bench                          everything, medians of three runs
  conclave bench fanout echo --runs 5     two scenarios, five runs
  conclave bench --quick                  a smoke test in under a minute
  conclave bench --json bench/results.json --svg bench/chart.svg
  conclave bench --points bench/cluster.json
  conclave bench simulate --connections 10000000"
)]
pub struct BenchArguments {
    #[command(subcommand)]
    question: Option<Question>,
    /// What to measure; everything if none is named
    #[arg(value_enum)]
    scenarios: Vec<Scenario>,
    /// How often each scenario runs; the figures are medians
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=99))]
    runs: u8,
    /// Small counts and one run: shows that everything works, its figures mean little
    #[arg(long)]
    quick: bool,
    /// Write everything measured to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draw the medians into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Measure one, two and three nodes for `simulate` instead, and write the points to this file
    #[arg(long, value_name = "FILE")]
    points: Option<PathBuf>,
    /// Where conclave-floor and conclave-usual lie; beside this program if not given
    #[arg(long, value_name = "DIR")]
    yardsticks: Option<PathBuf>,
    /// Where the yardstick on Node lies; what compares with it is left out where it is not there
    #[arg(long, value_name = "DIR", default_value = ".tools/bench-node")]
    node: PathBuf,
    /// The server to measure; this program if not given
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
    /// What to measure and to measure against; a figure needs both
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "conclave,usual,floor"
    )]
    subjects: Vec<Subject>,
}

/// What is answered without measuring.
#[derive(Debug, clap::Subcommand)]
enum Question {
    Simulate(Box<SimulateArguments>),
}

/// Runs the scenarios, prints the tables, writes the files.
///
/// # Errors
/// The yardsticks are missing, the machine has one core, a program does not start or misbehaves, or
/// a file cannot be written.
pub fn run(arguments: BenchArguments) -> Result<ExitCode> {
    if let Some(Question::Simulate(asked)) = &arguments.question {
        return simulate::run(asked);
    }
    let bed = arguments.bed()?;
    println!("{}\n", bed.machine);
    if cfg!(debug_assertions) {
        println!("This is a debug build: its figures mean nothing.\n");
    }
    let runs = if arguments.quick {
        1
    } else {
        usize::from(arguments.runs)
    };
    if let Some(file) = &arguments.points {
        let points = scenario::measure_points(&bed, runs)?;
        let json = serde_json::to_string_pretty(&points)?;
        std::fs::write(file, json + "\n")
            .with_context(|| format!("cannot write {}", file.display()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let results = arguments.measure(&bed, runs)?;
    let figures = Figure::all(&results);
    print!("{}", report::figures(&figures));
    let reached = arguments.quick || report::all_reached(&figures);
    arguments.write(&bed, runs, &results, figures)?;
    Ok(if reached {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

impl BenchArguments {
    fn bed(&self) -> Result<Bed> {
        let machine = Machine::prepare()?;
        let programs = self.programs()?;
        pin(&[LOAD_CORE])?;
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)?
            .as_secs();
        Ok(Bed {
            subjects: self.subjects.clone(),
            sizes: if self.quick {
                Sizes::QUICK
            } else {
                Sizes::FULL
            },
            machine,
            programs,
            mint: token::Mint::new(now)?,
            certificate: tls::Certificate::generate()?,
            archive: OnceCell::new(),
        })
    }

    fn programs(&self) -> Result<Programs> {
        let own = std::env::current_exe().context("where is this program?")?;
        let beside = own
            .parent()
            .context("this program lies nowhere")?
            .to_owned();
        let programs = Programs {
            conclave: absolute(self.server.clone().unwrap_or(own))?,
            yardsticks: absolute(self.yardsticks.clone().unwrap_or(beside))?,
            node: self.installed_node()?,
        };
        for (subject, name) in [
            (Subject::Usual, "conclave-usual"),
            (Subject::Floor, "conclave-floor"),
        ] {
            let file = programs.yardsticks.join(name);
            ensure!(
                self.points.is_some() || !self.subjects.contains(&subject) || file.is_file(),
                "{} is missing: `cargo build --release -p conclave-yardsticks` makes it, \
                 --yardsticks says where it lies",
                file.display()
            );
        }
        Ok(programs)
    }

    fn installed_node(&self) -> Result<Option<PathBuf>> {
        let folder = absolute(self.node.clone())?;
        if folder.join("node_modules/socket.io").is_dir() {
            return Ok(Some(folder));
        }
        eprintln!(
            "{} holds no socket.io: it is not compared with (`.ci/install bench-node` installs it)",
            folder.display()
        );
        Ok(None)
    }

    fn measure(&self, bed: &Bed, runs: usize) -> Result<Results> {
        let mut results = Results::default();
        let scenarios = match self.scenarios.as_slice() {
            [] => &Scenario::ALL[..],
            some => some,
        };
        for scenario in scenarios {
            let mut cases = Vec::new();
            for run in 0..runs {
                eprintln!("{scenario:?}, run {} of {runs}", run + 1);
                let rows = scenario.run(bed).with_context(|| format!("{scenario:?}"))?;
                cases.extend(rows.iter().map(|row| row.case));
                results.add(run, rows);
            }
            cases.sort_unstable();
            cases.dedup();
            println!("{}", report::measurements(&results, &cases));
        }
        Ok(results)
    }

    fn write(&self, bed: &Bed, runs: usize, results: &Results, figures: Vec<Figure>) -> Result<()> {
        if let Some(file) = &self.json {
            let report = Report {
                version: env!("CARGO_PKG_VERSION"),
                machine: &bed.machine,
                runs,
                quick: self.quick,
                sizes: bed.sizes,
                settings: report::SETTINGS,
                figures,
                medians: results.medians(),
                rows: results.rows(),
            };
            let json = serde_json::to_string_pretty(&report)?;
            std::fs::write(file, json + "\n")
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        if let Some(file) = &self.svg {
            std::fs::write(file, chart::svg(results, &bed.machine.to_string()))
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        Ok(())
    }
}

/// The programs are started in folders of their own.
fn absolute(path: PathBuf) -> Result<PathBuf> {
    std::path::absolute(&path).with_context(|| format!("no path: {}", path.display()))
}
