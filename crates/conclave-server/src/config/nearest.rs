//! The known key that is nearest to an unknown one.

use super::Config;
use super::value::{Entry, Inner, Value};

/// The known key nearest to `path`, if any is near: by the whole path, or by its last part, so
/// that a key in the wrong table is found too.
pub(crate) fn nearest(path: &str) -> Option<String> {
    let path = without_indices(path);
    let Inner::Table(entries) = Config::default().inner() else {
        return None;
    };
    let mut known = Vec::new();
    collect(&entries, "", &mut known);
    known
        .into_iter()
        .map(|name| (likeness(&path, &name), name))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        // Of equals the last is taken: reversed, the first of the manual.
        .rev()
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, name)| name)
}

fn likeness(path: &str, known: &str) -> f64 {
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    let whole = strsim::normalized_damerau_levenshtein(path, known);
    let end = strsim::normalized_damerau_levenshtein(&last(path), &last(known));
    whole.max(end * ELSEWHERE)
}

fn collect(entries: &[Entry], parent: &str, known: &mut Vec<String>) {
    for entry in entries {
        let path = if parent.is_empty() {
            entry.name.to_owned()
        } else {
            format!("{parent}.{}", entry.name)
        };
        if let Inner::Table(inner) | Inner::List(inner) = &entry.inner {
            collect(inner, &path, known);
        }
        known.push(path);
    }
}

fn without_indices(path: &str) -> String {
    let mut inside = false;
    path.chars()
        .filter(|&letter| {
            let outside = !inside && letter != '[';
            inside = letter == '[' || (inside && letter != ']');
            outside
        })
        .collect()
}

const LIKENESS_MIN: f64 = 0.5;
/// A like name in another table counts a little less than one in the same.
const ELSEWHERE: f64 = 0.9;
