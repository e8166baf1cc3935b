//! Reads every document below a folder and prints a table: `corpus FOLDER [PART OF A PATH]`.
//!
//! With a part of a path the diagnostics of the documents that have it are printed too. A document is a
//! YAML or JSON file that says `asyncapi` at its top. Every one must parse or give a diagnostic; a panic
//! ends the run.

use std::path::{Path, PathBuf};

use conclave_asyncapi::{FolderLoader, Limits, Reading, has_errors, read};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("which folder?")?);
    let shown = arguments.next();
    let mut paths = Vec::new();
    gather(&folder, &mut paths)?;
    paths.sort();
    let mut counts = Counts::default();
    for path in paths.iter().filter(|path| is_document(path)) {
        let name = path.strip_prefix(&folder)?.display().to_string();
        // References may reach as far as the repository that the document is from.
        let Some((repository, inside)) = name.split_once('/') else {
            continue;
        };
        let limits = Limits::default();
        let loader = FolderLoader::new(&folder.join(repository), &limits)?;
        let reading = read(inside, &loader, &limits);
        counts.add(&reading);
        print(&name, &reading, shown.as_deref());
    }
    println!("{counts:?}");
    Ok(())
}

#[derive(Debug, Default)]
struct Counts {
    documents: usize,
    without_errors: usize,
    with_errors: usize,
    unreadable: usize,
    silent: usize,
}

impl Counts {
    fn add(&mut self, reading: &Reading) {
        self.documents += 1;
        let failed = has_errors(&reading.diagnostics);
        match (&reading.document, failed) {
            (Some(_), false) => self.without_errors += 1,
            (Some(_), true) => self.with_errors += 1,
            (None, true) => self.unreadable += 1,
            (None, false) => self.silent += 1,
        }
    }
}

fn print(name: &str, reading: &Reading, shown: Option<&str>) {
    let verdict = match &reading.document {
        _ if has_errors(&reading.diagnostics) => "errors",
        Some(_) => "valid",
        None => "silent",
    };
    let numbers = reading.document.as_ref().map_or(String::new(), |document| {
        format!(
            "{} servers, {} channels, {} operations, {} messages, {} schemas",
            document.servers.len(),
            document.channels.len(),
            document.operations.len(),
            document.messages.len(),
            document.schemas.len(),
        )
    });
    println!(
        "{verdict}\t{name}\t{} findings\t{numbers}",
        reading.diagnostics.len()
    );
    if shown.is_some_and(|shown| name.contains(shown)) {
        for diagnostic in &reading.diagnostics {
            println!("\t{diagnostic}");
        }
    }
}

fn gather(folder: &Path, paths: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            gather(&path, paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

fn is_document(path: &Path) -> bool {
    let known = ["yaml", "yml", "json"];
    let extension = path.extension().and_then(|extension| extension.to_str());
    let text = std::fs::read_to_string(path).unwrap_or_default();
    extension.is_some_and(|extension| known.contains(&extension))
        && text.lines().any(|line| {
            let line = line.trim_start_matches(['{', ' ', '\t']);
            line.starts_with("asyncapi:")
                || line.starts_with("\"asyncapi\":")
                || line.starts_with("'asyncapi':")
        })
}
