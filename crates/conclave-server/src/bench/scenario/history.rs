//! A room of a million messages: its newest page, a page far back, and a restart.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use conclave_core::{Actor, Page, RoomStore};

use super::super::bed::Bed;
use super::super::house::{self, Folder};
use super::super::latency::Samples;
use super::super::machine::{LOAD_CORE, SERVER_CORE, pin};
use super::super::measurement::{Case, Measurement};
use super::super::subject::{Process, Subject, control};
use crate::stored::Stored;

/// The messages are written once for all runs, by the statements that the store writes with.
pub(super) fn run(bed: &Bed) -> Result<Vec<Measurement>> {
    let folder = match bed.archive.get() {
        Some(folder) => folder,
        None => {
            let folder = written(bed)?;
            bed.archive.get_or_init(|| folder)
        }
    };
    // On the core that the server has.
    pin(&[SERVER_CORE])?;
    let pages = house::runtime()?.block_on(pages(bed, &folder.stored()));
    pin(&[LOAD_CORE])?;
    let mut rows = pages?;
    rows.push(restart(bed, folder.path())?);
    Ok(rows)
}

fn written(bed: &Bed) -> Result<Folder> {
    let folder = Folder::new()?;
    let members = || (0..MEMBERS).map(house::user).collect();
    house::furnish(&folder.stored(), std::iter::once(members()))?;
    let start = Instant::now();
    house::runtime()?.block_on(async {
        let (store, rooms) = house::open_store(&folder.stored()).await?;
        let messages = bed.sizes.history_messages;
        rooms
            .fill(&house::room(0), members(), messages, house::now())
            .await?;
        anyhow::Ok(store.close().await?)
    })?;
    eprintln!(
        "    history: {} messages written in {:.0} s",
        bed.sizes.history_messages,
        start.elapsed().as_secs_f64()
    );
    Ok(folder)
}

/// Pages by the call that serves REST; each time another place, so that one page in a cache does
/// not stand for all.
async fn pages(bed: &Bed, stored: &Stored) -> Result<Vec<Measurement>> {
    let (store, rooms) = house::open_store(stored).await?;
    let (viewer, room) = (Actor::plain(house::user(0)), house::room(0));
    let last = bed.sizes.history_messages + 1;
    let far = last - bed.sizes.history_pages * u64::from(PAGE);
    let mut rows = Vec::new();
    for (case, before, stride) in [
        (Case::HistoryNewest, None, 0),
        (Case::HistoryFarBack, Some(far), 997),
    ] {
        let mut samples = Samples::default();
        for ask in 0..ASKS {
            let page = Page {
                before: before.map(|seq| seq - (ask * stride) % (far / 2)),
                after: None,
                limit: PAGE,
            };
            let start = Instant::now();
            let messages = rooms.messages(&viewer, &room, page).await?.messages;
            samples.push(start.elapsed());
            let newest = messages.first().map(|message| message.seq);
            let wanted = page.before.map_or(last, |before| before - 1);
            ensure!(
                newest == Some(wanted) && messages.len() == usize::try_from(PAGE)?,
                "the page before {:?} begins with {newest:?}",
                page.before
            );
        }
        let mut row = Measurement::new(case, Subject::Store);
        row.latency = samples.percentiles();
        rows.push(row);
    }
    store.close().await?;
    Ok(rows)
}

/// Killed while it runs and started again: from the start of the process to its readiness.
fn restart(bed: &Bed, data: &Path) -> Result<Measurement> {
    let first = house::conclave(bed, data)?;
    until_ready(&first)?;
    drop(first);
    let start = Instant::now();
    let second = house::conclave(bed, data)?;
    until_ready(&second)?;
    let mut samples = Samples::default();
    samples.push(start.elapsed());
    let mut row = Measurement::new(Case::HistoryRestart, Subject::Conclave);
    row.latency = samples.percentiles();
    Ok(row)
}

fn until_ready(process: &Process) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if answer(control(process)?)?.starts_with("HTTP/1.1 200") {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    anyhow::bail!("the server is not ready:\n{}", process.log_tail())
}

fn answer(mut socket: TcpStream) -> Result<String> {
    socket.write_all(READY)?;
    let mut text = String::new();
    socket.read_to_string(&mut text).context("no answer")?;
    Ok(text)
}

const READY: &[u8] = b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
const MEMBERS: usize = 2;
const PAGE: u32 = 50;
const ASKS: u64 = 400;
const PATIENCE: Duration = Duration::from_secs(30);
