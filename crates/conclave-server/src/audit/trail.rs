//! Reading a chain from its end, in bounded steps, without checking it.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use conclave_core::Search;
use serde::Deserialize;
use serde_json::Value;

use super::chain::LINE_BYTES_MAX;

/// Which lines are wanted; all conditions hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// Those before this number; `None` for the newest.
    pub(crate) before: Option<u64>,
    /// At most so many.
    pub(crate) limit: usize,
    /// Those with this in what happened, not in the chain's own fields.
    pub(crate) search: Option<Search>,
    /// Of this event.
    pub(crate) event: Option<String>,
    /// Of this level.
    pub(crate) level: Option<String>,
    /// About this user.
    pub(crate) user: Option<String>,
}

/// Lines of a chain.
#[derive(Debug)]
pub(crate) struct Found {
    /// Newest first.
    pub(crate) lines: Vec<Line>,
    /// Where to look on; `None` where the start was reached.
    pub(crate) before: Option<u64>,
}

/// A line as it was written.
#[derive(Debug, Deserialize)]
pub(crate) struct Line {
    pub(crate) seq: u64,
    pub(crate) ts: String,
    pub(crate) event: String,
    pub(crate) level: String,
    pub(crate) user: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) connection: Option<String>,
    pub(crate) ip: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) detail: Value,
}

/// The number of a line.
#[derive(Deserialize)]
struct Numbered {
    seq: u64,
}

/// Reads lines from the end on, or from the one before `wanted.before`: at most
/// [`READ_BYTES_MAX`] of them, or a few more. What is no line of a chain is passed over; checking
/// is `verify`'s.
///
/// # Errors
/// What the file system says.
pub(crate) fn newest(path: &Path, wanted: &Wanted) -> io::Result<Found> {
    let mut file = File::open(path)?;
    let mut end = file.metadata()?.len();
    if let Some(before) = wanted.before {
        end = start_of(&mut file, end, before)?;
    }
    let mut found = Found {
        lines: Vec::new(),
        before: None,
    };
    let mut read = 0;
    while end > 0 {
        let lines = lines_before(&mut file, end)?;
        let mut start = end;
        for line in lines.bytes.split_inclusive(|byte| *byte == b'\n').rev() {
            start = start.saturating_sub(length(line));
            if let Some(number) = number(line) {
                found.before = Some(number);
            }
            found.lines.extend(wanted.take(line));
            if found.lines.len() >= wanted.limit {
                found.before = found.before.filter(|_| start > 0);
                return Ok(found);
            }
        }
        read += lines.bytes.len();
        end = lines.start;
        if read >= READ_BYTES_MAX && end > 0 {
            return Ok(found);
        }
    }
    found.before = None;
    Ok(found)
}

impl Wanted {
    fn take(&self, line: &[u8]) -> Option<Line> {
        let text = std::str::from_utf8(line).ok()?;
        // The rest is the chain's: a search for hexadecimal digits would find every other line.
        let said = text.rfind(",\"seq\":").and_then(|end| text.get(..end));
        let said = said.unwrap_or(text);
        if self
            .search
            .as_ref()
            .is_some_and(|search| !search.is_in(said))
        {
            return None;
        }
        let line: Line = serde_json::from_str(text).ok()?;
        let is = |wanted: &Option<String>, given: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| given == Some(wanted))
        };
        (is(&self.event, Some(&line.event))
            && is(&self.level, Some(&line.level))
            && is(&self.user, line.user.as_deref()))
        .then_some(line)
    }
}

/// Whole lines, and where the first of them begins.
struct Lines {
    bytes: Vec<u8>,
    start: u64,
}

/// The whole lines that end at `end`: at least one, however long it is.
fn lines_before(file: &mut File, end: u64) -> io::Result<Lines> {
    let start = end.saturating_sub(STEP_BYTES);
    let mut bytes = part(file, start, end)?;
    // A line that begins before this part is left for the next one, unless nothing else is here.
    let whole = match bytes.iter().position(|byte| *byte == b'\n') {
        _ if start == 0 => 0,
        Some(first) if first + 1 < bytes.len() => first + 1,
        Some(_) | None => 0,
    };
    bytes.drain(..whole);
    let start = start.saturating_add(u64::try_from(whole).unwrap_or(0));
    Ok(Lines { bytes, start })
}

/// Where the first line with this number or a higher one begins. Numbers grow, so halves are cut.
fn start_of(file: &mut File, end: u64, number: u64) -> io::Result<u64> {
    let (mut low, mut high) = (0, end);
    while low < high {
        let middle = low + (high - low) / 2;
        match line_from(file, middle, end)? {
            Some(line) if line.number < number => low = line.end,
            Some(_) | None => high = middle,
        }
    }
    Ok(low)
}

struct Numbering {
    number: u64,
    end: u64,
}

/// The first line that begins at `place` or behind it.
fn line_from(file: &mut File, place: u64, end: u64) -> io::Result<Option<Numbering>> {
    let from = place.saturating_sub(1);
    let bytes = part(file, from, end.min(from.saturating_add(STEP_BYTES)))?;
    let start = if place == 0 {
        0
    } else {
        match bytes.iter().position(|byte| *byte == b'\n') {
            Some(newline) => newline + 1,
            None => return Ok(None),
        }
    };
    let mut before = start;
    for line in bytes
        .get(start..)
        .unwrap_or_default()
        .split_inclusive(|byte| *byte == b'\n')
    {
        before += line.len();
        if let Some(number) = number(line) {
            let end = from.saturating_add(u64::try_from(before).unwrap_or(u64::MAX));
            return Ok(Some(Numbering { number, end }));
        }
    }
    Ok(None)
}

fn part(file: &mut File, start: u64, end: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(start))?;
    file.take(end.saturating_sub(start))
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// `None` where it is no whole line of a chain.
fn number(line: &[u8]) -> Option<u64> {
    let line = line.strip_suffix(b"\n")?;
    let numbered: Numbered = serde_json::from_slice(line).ok()?;
    Some(numbered.seq)
}

fn length(line: &[u8]) -> u64 {
    u64::try_from(line.len()).unwrap_or(u64::MAX)
}

/// Two lines of any length fit.
const STEP_BYTES: u64 = 2 * LINE_BYTES_MAX as u64;
/// What one call reads.
const READ_BYTES_MAX: usize = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// Lines of very different lengths, as far as the chain's form matters here.
    fn file(lines: u64) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        for seq in 1..=lines {
            let pad = "x".repeat(usize::try_from(seq * 7919 % 5000).unwrap());
            let user = if seq % 2 == 0 { "even" } else { "odd" };
            writeln!(
                file,
                "{{\"ts\":\"t\",\"event\":\"e{}\",\"level\":\"info\",\"user\":\"{user}\",\"session\":null,\
                 \"connection\":null,\"ip\":null,\"user_agent\":null,\"path\":null,\
                 \"detail\":\"{pad}\",\"seq\":{seq},\"prev\":\"abc\",\"hash\":\"abc\"}}",
                seq % 3,
            )
            .unwrap();
        }
        file
    }

    fn all(path: &Path, wanted: &Wanted) -> (Vec<u64>, usize) {
        let (mut seqs, mut wanted, mut steps) = (Vec::new(), wanted.clone(), 0);
        loop {
            let found = newest(path, &wanted).unwrap();
            assert!(found.lines.len() <= wanted.limit);
            seqs.extend(found.lines.iter().map(|line| line.seq));
            steps += 1;
            if found.before.is_none() {
                return (seqs, steps);
            }
            assert_ne!(found.before, wanted.before);
            wanted.before = found.before;
        }
    }

    #[test]
    fn every_line_is_found_once_whatever_the_page() {
        let file = file(1000);
        let backwards: Vec<u64> = (1..=1000).rev().collect();
        for limit in [1, 7, 999, 1000, 1001] {
            let wanted = Wanted {
                limit,
                ..Wanted::default()
            };
            let (seqs, steps) = all(file.path(), &wanted);
            assert_eq!(seqs, backwards, "{limit}");
            assert_eq!(steps, 1000_usize.div_ceil(limit), "{limit}");
        }
    }

    #[test]
    fn any_place_is_found() {
        let file = file(300);
        for before in [0, 1, 2, 3, 150, 299, 300, 301, u64::MAX] {
            let wanted = Wanted {
                before: Some(before),
                limit: 1,
                ..Wanted::default()
            };
            let found = newest(file.path(), &wanted).unwrap();
            let expected = before.saturating_sub(1).min(300);
            let newest = found.lines.first().map_or(0, |line| line.seq);
            assert_eq!(newest, expected, "{before}");
            assert_eq!(found.before.is_none(), expected <= 1, "{before}");
        }
    }

    #[test]
    fn all_conditions_hold_of_what_is_found() {
        let file = file(60);
        let wanted = Wanted {
            limit: 100,
            event: Some("e0".to_owned()),
            user: Some("odd".to_owned()),
            level: Some("info".to_owned()),
            search: Some(Search::new("ODD")),
            before: Some(40),
        };
        assert_eq!(all(file.path(), &wanted).0, [39, 33, 27, 21, 15, 9, 3]);
        let wanted = Wanted {
            search: Some(Search::new("abc")),
            ..wanted
        };
        assert!(all(file.path(), &wanted).0.is_empty(), "the chain's own");
    }

    #[test]
    fn a_long_search_ends_and_says_where() {
        let file = file(4000);
        let wanted = Wanted {
            limit: 10,
            user: Some("nobody".to_owned()),
            ..Wanted::default()
        };
        let found = newest(file.path(), &wanted).unwrap();
        assert!(found.lines.is_empty());
        let before = found.before.expect("more to look at");
        assert!((1..4000).contains(&before), "{before}");
        let (seqs, steps) = all(file.path(), &wanted);
        assert!(seqs.is_empty() && steps > 1, "{steps}");
    }

    #[test]
    fn what_is_no_line_is_passed_over() {
        let mut file = file(3);
        file.write_all(b"\n{}\nnonsense \xff\n{\"seq\":4,\"ts")
            .unwrap();
        let wanted = Wanted {
            limit: 10,
            ..Wanted::default()
        };
        assert_eq!(all(file.path(), &wanted).0, [3, 2, 1]);
        let empty = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(all(empty.path(), &wanted), (Vec::new(), 1));
    }
}
