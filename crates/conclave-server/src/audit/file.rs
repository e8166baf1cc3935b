//! The file of the chain, shared with other processes.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use conclave_protocol::Timestamp;
use serde_json::json;

use super::chain::{AuditKey, Head, LINE_BYTES_MAX, Standing};
use super::event::{Event, Kind};
use crate::config::make_data_dir;

/// An open chain.
pub(super) struct ChainFile {
    file: File,
    path: PathBuf,
    key: AuditKey,
    head: Head,
    /// Bytes of the file up to `head`.
    bytes: u64,
}

impl ChainFile {
    /// Opens or makes the file (mode 0600) and continues its chain: an end that is not a whole
    /// line, as a crash leaves it, is cut, and a `recovered` line says so.
    ///
    /// # Errors
    /// `InvalidData` where the last whole line does not fit the key: the file was changed, or
    /// the key is another; else what the file system says. The path is in the text.
    pub(super) fn open(path: &Path, key: AuditKey, now: Timestamp) -> io::Result<Self> {
        if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
            make_data_dir(dir)?;
        }
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| named(path, &error))?;
        let mut chain = Self {
            file,
            path: path.to_owned(),
            key,
            head: Head::START,
            bytes: 0,
        };
        chain.append(&[], now)?;
        chain.file.sync_all()?;
        Ok(chain)
    }

    /// Writes events as the next lines, all or none.
    pub(super) fn append(&mut self, events: &[Event], now: Timestamp) -> io::Result<()> {
        self.file
            .lock()
            .map_err(|error| named(&self.path, &error))?;
        let written = self.append_locked(events, now);
        self.file
            .unlock()
            .and(written)
            .map_err(|error| named(&self.path, &error))
    }

    /// Makes everything written durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file
            .sync_data()
            .map_err(|error| named(&self.path, &error))
    }

    fn append_locked(&mut self, events: &[Event], now: Timestamp) -> io::Result<()> {
        let mut lines = Vec::new();
        let torn_bytes = self.catch_up()?;
        let mut head = self.head;
        if torn_bytes > 0 {
            self.file.set_len(self.bytes)?;
            let detail = json!({ "cut_bytes": torn_bytes });
            let event = Event::new(Kind::Recovered, now).detail(detail);
            head.append(&event, &self.key, &mut lines)?;
        }
        for event in events {
            head.append(event, &self.key, &mut lines)?;
        }
        if let Err(error) = self.file.write_all(&lines) {
            // A part of a line may have been written. What cannot be cut now is found and cut by
            // the next batch.
            if let Err(cause) = self.file.set_len(self.bytes) {
                tracing::warn!(%cause, "the audit ends in a part of a line");
            }
            return Err(error);
        }
        self.head = head;
        self.bytes = self
            .bytes
            .saturating_add(u64::try_from(lines.len()).unwrap_or(u64::MAX));
        Ok(())
    }

    /// Takes over what other processes wrote; returns the bytes of a last line that is not whole.
    fn catch_up(&mut self) -> io::Result<u64> {
        let bytes = self.file.metadata()?.len();
        if bytes == self.bytes {
            return Ok(0);
        }
        let window = bytes.min(TAIL_BYTES);
        let mut tail = Vec::new();
        self.file
            .seek(SeekFrom::Start(bytes.saturating_sub(window)))?;
        (&self.file).take(window).read_to_end(&mut tail)?;
        let whole = tail
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |end| end + 1);
        let torn = tail.len().saturating_sub(whole);
        let torn_bytes = u64::try_from(torn).unwrap_or(u64::MAX);
        let whole_lines = tail.get(..whole).unwrap_or_default();
        if whole_lines.is_empty() {
            if bytes > window {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "is not an audit chain",
                ));
            }
            self.head = Head::START;
        } else {
            let before = whole_lines
                .get(..whole.saturating_sub(1))
                .unwrap_or_default();
            let start = before
                .iter()
                .rposition(|&byte| byte == b'\n')
                .map_or(0, |end| end + 1);
            let last = whole_lines.get(start..).unwrap_or_default();
            self.head = Standing::read(last, &self.key).map_err(last_line)?.head;
        }
        self.bytes = bytes.saturating_sub(torn_bytes);
        Ok(torn_bytes)
    }
}

fn last_line(flaw: super::Flaw) -> io::Error {
    let advice = "the file or its key was changed; move the file away to start a new chain";
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the last whole line: {flaw}; {advice}"),
    )
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Enough for a whole line and one that is not.
const TAIL_BYTES: u64 = 2 * LINE_BYTES_MAX as u64;
