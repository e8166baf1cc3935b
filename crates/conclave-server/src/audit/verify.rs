//! Reading a chain back: is it whole, and does it still hold a head that was kept elsewhere?

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use conclave_protocol::Timestamp;
use serde::{Deserialize, Serialize};

use super::chain::{AuditKey, Flaw, Hash, Head, LINE_BYTES_MAX, written};
use super::event::Kind;

/// A signed head of a chain, to be kept elsewhere. One JSON object:
/// `{"seq":17,"hash":"…","ts":"…","signature":"…"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    seq: u64,
    hash: String,
    ts: String,
    signature: String,
}

/// A chain that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its end; `seq` is also the number of its lines.
    pub head: Head,
    /// Lines that say an end was cut after a crash.
    pub recovered: Vec<u64>,
}

/// Why a chain is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The checkpoint's line is another one now.
    #[error("{file} line {seq}: is not the line of the checkpoint")]
    Changed {
        /// The file's name.
        file: String,
        /// The checkpoint's line.
        seq: u64,
    },
    /// The checkpoint is not one of this key.
    #[error("the checkpoint's signature does not match")]
    Forged,
    /// The file cannot be read.
    #[error("{file}: {source}")]
    Io {
        /// Its path.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// A line is wrong; the first such one.
    #[error("{file} line {line}: {flaw}")]
    Line {
        /// The file's name.
        file: String,
        /// Counted from 1.
        line: u64,
        /// What is wrong.
        flaw: Flaw,
    },
    /// The file ends before the checkpoint.
    #[error("{file} ends at line {lines}, the checkpoint is line {seq}: its end was cut")]
    Shortened {
        /// The file's name.
        file: String,
        /// Its lines.
        lines: u64,
        /// The checkpoint's line.
        seq: u64,
    },
}

/// Streams the chain in the file at `path` and checks every line; with a checkpoint, also that
/// its head is still in the chain. A server may write meanwhile: what it writes after the start
/// of this is not looked at.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify(
    path: &Path,
    key: &AuditKey,
    kept: Option<&Checkpoint>,
) -> Result<Report, AuditError> {
    let failed = |source| AuditError::Io {
        file: path.display().to_string(),
        source,
    };
    let lines = whole_file(path).map_err(failed)?;
    let file = path
        .file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy();
    verify_lines(lines, &file, key, kept)
}

/// As [`verify`], of lines from anywhere; `file` is what errors call them.
pub(super) fn verify_lines(
    mut lines: impl BufRead,
    file: &str,
    key: &AuditKey,
    kept: Option<&Checkpoint>,
) -> Result<Report, AuditError> {
    let file = || file.to_owned();
    if kept.is_some_and(|kept| !kept.is_signed_with(key)) {
        return Err(AuditError::Forged);
    }
    let mut report = Report {
        head: Head::START,
        recovered: Vec::new(),
    };
    let mut line = Vec::new();
    loop {
        line.clear();
        let bound = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
        let bytes = (&mut lines)
            .take(bound)
            .read_until(b'\n', &mut line)
            .map_err(|source| AuditError::Io {
                file: file(),
                source,
            })?;
        if bytes == 0 {
            break;
        }
        let number = report.head.seq.saturating_add(1);
        let standing = report
            .head
            .follow(&line, key)
            .map_err(|flaw| AuditError::Line {
                file: file(),
                line: number,
                flaw,
            })?;
        if standing.event == Kind::Recovered.name() {
            report.recovered.push(number);
        }
        if kept.is_some_and(|kept| kept.seq == number && kept.hash != report.head.hash()) {
            return Err(AuditError::Changed {
                file: file(),
                seq: number,
            });
        }
    }
    let lines = report.head.seq;
    match kept {
        Some(kept) if kept.seq > lines => Err(AuditError::Shortened {
            file: file(),
            lines,
            seq: kept.seq,
        }),
        Some(_) | None => Ok(report),
    }
}

/// Checks the whole chain and signs its head.
///
/// # Errors
/// As [`verify`].
pub fn checkpoint(path: &Path, key: &AuditKey, now: Timestamp) -> Result<Checkpoint, AuditError> {
    let head = verify(path, key, None)?.head;
    let (seq, hash, ts) = (head.seq, head.hash().to_owned(), written(now));
    let signature = signature(key, seq, &hash, &ts).as_str().to_owned();
    Ok(Checkpoint {
        seq,
        hash,
        ts,
        signature,
    })
}

impl Checkpoint {
    fn is_signed_with(&self, key: &AuditKey) -> bool {
        signature(key, self.seq, &self.hash, &self.ts).as_str() == self.signature
    }

    /// The line it speaks of; 0 is the empty chain.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.seq
    }
}

/// No line of a chain begins like this label, so neither can stand for the other.
fn signature(key: &AuditKey, seq: u64, hash: &str, ts: &str) -> Hash {
    key.hash(
        b"conclave audit checkpoint\n",
        format!("{seq}\n{hash}\n{ts}").as_bytes(),
    )
}

/// The file up to its present end. Writers hold a lock while they write, so that end is the end
/// of a line unless a crash left a part of one.
fn whole_file(path: &Path) -> io::Result<BufReader<io::Take<File>>> {
    let file = File::open(path)?;
    file.lock_shared()?;
    let bytes = file.metadata()?.len();
    file.unlock()?;
    Ok(BufReader::with_capacity(LINE_BYTES_MAX, file.take(bytes)))
}
