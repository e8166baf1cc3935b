//! What the commands `conclave asyncapi check` and `conclave generate` do, and what `build.rs` calls:
//! text and an exit status, files written only where nothing of anybody's own is lost.

use std::path::{Component, Path, PathBuf};

use crate::diagnostic::{Diagnostic, Severity, has_errors};
use crate::generate::{Dependencies, GeneratedFile, MARK, PATHS, generate, module};
use crate::model::{Document, Server};
use crate::read::read;
use crate::service::{Options, Service, plan};
use crate::source::{FolderLoader, Limits};

/// What a command prints, and its exit status: 0 fine, 1 findings, 2 could not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Lines for people.
    pub text: String,
    /// The exit status.
    pub status: u8,
}

impl Outcome {
    fn failed(sentence: impl std::fmt::Display) -> Self {
        Self {
            text: format!("error: {sentence}\n"),
            status: 2,
        }
    }
}

/// Which crate is made of which document.
#[derive(Debug, Clone, Default)]
pub struct Order {
    /// The document.
    pub document: PathBuf,
    /// The folder that references may not leave; the document's own if none.
    pub root: Option<PathBuf>,
    /// Where the crate goes; `test-output-<folder of the document>` if none.
    pub out: Option<PathBuf>,
    /// The folder of the crate `conclave-service`; the one of the checkout that the document or the
    /// working folder is in, else version 0.1 of the registry, if none.
    pub runtime: Option<PathBuf>,
    /// Which server and which side.
    pub options: Options,
    /// Write nothing, and say whether something would change.
    pub check: bool,
}

/// Reads a document and says what is wrong with it. Where it has a WebSocket server, what the generator
/// does not support is told as well, as warnings.
#[must_use]
pub fn check(document: &Path, root: Option<&Path>) -> Outcome {
    let (read, diagnostics) = match opened(document, root) {
        Ok(opened) => opened,
        Err(sentence) => return Outcome::failed(sentence),
    };
    let failed = has_errors(&diagnostics);
    let Some(document) = read.filter(|_| !failed) else {
        let text = lines(&diagnostics);
        return Outcome { text, status: 1 };
    };
    let mut diagnostics = diagnostics;
    diagnostics.extend(unsupported(&document));
    diagnostics.sort();
    diagnostics.dedup();
    let mut text = lines(&diagnostics);
    let count = |number: usize, what: &str| {
        format!("{number} {what}{}", if number == 1 { "" } else { "s" })
    };
    text.push_str(&format!(
        "AsyncAPI {}: {} {}, {}, {}, {}\n",
        document.version,
        document.title,
        document.api_version,
        count(document.channels.len(), "channel"),
        count(document.operations.len(), "operation"),
        count(document.messages.len(), "message"),
    ));
    Outcome { text, status: 0 }
}

/// What keeps a document with a WebSocket server from becoming a crate.
fn unsupported(document: &Document) -> Vec<Diagnostic> {
    if !document.servers.iter().any(Server::is_websocket) {
        return Vec::new();
    }
    let found = match plan(document, &Options::default()) {
        Ok((_, warnings)) => warnings,
        Err(found) => found,
    };
    let softened = found.into_iter().map(|diagnostic| Diagnostic {
        severity: Severity::Warning,
        ..diagnostic
    });
    softened.collect()
}

/// Makes a crate of a document.
#[must_use]
pub fn generate_crate(order: &Order) -> Outcome {
    let (service, warnings) = match planned(order) {
        Ok(planned) => planned,
        Err(outcome) => return outcome,
    };
    let out = order
        .out
        .clone()
        .unwrap_or_else(|| default_out(&order.document));
    let dependencies = Dependencies {
        runtime: runtime(order, &out),
        document: file_name(&order.document),
    };
    let files = match generate(&service, &dependencies) {
        Ok(files) => files,
        Err(fault) => return Outcome::failed(fault),
    };
    let written = if order.check {
        differing(&out, &files)
    } else {
        write(&out, &files)
    };
    match written {
        Ok(outcome) => Outcome {
            text: format!("{}{}", lines(&warnings), outcome.text),
            status: outcome.status,
        },
        Err(sentence) => Outcome::failed(sentence),
    }
}

/// The modules of a service as the text of one file, for `build.rs`:
/// `include!(concat!(env!("OUT_DIR"), "/service.rs"))` inside a module.
///
/// # Errors
/// Every finding, one a line.
pub fn module_text(order: &Order) -> Result<String, String> {
    let (service, _) = planned(order).map_err(|outcome| outcome.text)?;
    module(&service, &file_name(&order.document)).map_err(|fault| fault.to_string())
}

fn planned(order: &Order) -> Result<(Service, Vec<Diagnostic>), Outcome> {
    let (read, mut diagnostics) =
        opened(&order.document, order.root.as_deref()).map_err(Outcome::failed)?;
    let refused = |diagnostics: &[Diagnostic]| Outcome {
        text: lines(diagnostics),
        status: 1,
    };
    let Some(document) = read.filter(|_| !has_errors(&diagnostics)) else {
        return Err(refused(&diagnostics));
    };
    match plan(&document, &order.options) {
        Ok((service, more)) => {
            diagnostics.extend(more);
            Ok((service, diagnostics))
        }
        Err(more) => {
            diagnostics.extend(more);
            Err(refused(&diagnostics))
        }
    }
}

type Opened = (Option<Document>, Vec<Diagnostic>);

fn opened(document: &Path, root: Option<&Path>) -> Result<Opened, String> {
    let real = |path: &Path| {
        path.canonicalize()
            .map_err(|error| format!("{}: {error}", path.display()))
    };
    let document = real(document)?;
    let root = match root {
        Some(root) => real(root)?,
        None => document.parent().map(Path::to_path_buf).unwrap_or_default(),
    };
    let inside = document.strip_prefix(&root);
    let inside = inside
        .map_err(|_outside| format!("{} is not below {}", document.display(), root.display()))?;
    let limits = Limits::default();
    let loader = FolderLoader::new(&root, &limits).map_err(|error| error.to_string())?;
    let reading = read(&slashed(inside), &loader, &limits);
    Ok((reading.document, reading.diagnostics))
}

fn lines(diagnostics: &[Diagnostic]) -> String {
    diagnostics
        .iter()
        .map(|diagnostic| format!("{diagnostic}\n"))
        .collect()
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn default_out(document: &Path) -> PathBuf {
    let real = document
        .canonicalize()
        .unwrap_or_else(|_| document.to_path_buf());
    let folder = real.parent().map(file_name).unwrap_or_default();
    PathBuf::from(format!("test-output-{folder}"))
}

/// What stands behind `conclave-service =` in the manifest.
fn runtime(order: &Order, out: &Path) -> String {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let found = order
        .runtime
        .clone()
        .map(|path| absolute(&path))
        .or_else(|| {
            let places = [absolute(&order.document), absolute(Path::new("."))];
            let above = places.iter().flat_map(|place| place.ancestors());
            let mut crates = above.map(|folder| folder.join("crates/conclave-service"));
            crates.find(|folder| folder.join("Cargo.toml").is_file())
        });
    match found {
        Some(path) => format!("path = \"{}\"", between(&absolute(out), &path)),
        None => "version = \"0.1\"".to_owned(),
    }
}

/// The way from one folder to another, both absolute.
fn between(from: &Path, to: &Path) -> String {
    let parts = |path: &Path| -> Vec<String> {
        let mut parts: Vec<String> = Vec::new();
        for component in path.components() {
            match component {
                Component::ParentDir => {
                    parts.pop();
                }
                Component::Normal(part) => parts.push(part.to_string_lossy().into_owned()),
                _ => {}
            }
        }
        parts
    };
    let (from, to) = (parts(from), parts(to));
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..".to_owned(), from.len() - shared);
    up.chain(to.into_iter().skip(shared))
        .collect::<Vec<_>>()
        .join("/")
}

fn slashed(path: &Path) -> String {
    let parts = path
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned());
    parts.collect::<Vec<_>>().join("/")
}

/// Writes the files that differ; nothing at all where one of them is somebody's own.
fn write(out: &Path, files: &[GeneratedFile]) -> Result<Outcome, String> {
    let fault = |path: &Path, error: &std::io::Error| format!("{}: {error}", path.display());
    let mut stale = Vec::new();
    for path in PATHS {
        let here = out.join(path);
        let Ok(there) = std::fs::read_to_string(&here) else {
            continue;
        };
        let is_ours = there.contains(MARK);
        let wanted = files.iter().any(|file| file.path == *path);
        if wanted && !is_ours {
            return Err(format!(
                "{} was not generated, and would be written over: move it away, or choose another folder",
                here.display()
            ));
        }
        if !wanted && is_ours {
            stale.push(here);
        }
    }
    for here in &stale {
        std::fs::remove_file(here).map_err(|error| fault(here, &error))?;
    }
    let mut changed = 0_usize;
    for file in files {
        let here = out.join(file.path);
        if std::fs::read_to_string(&here).is_ok_and(|there| there == file.text) {
            continue;
        }
        if let Some(folder) = here.parent() {
            std::fs::create_dir_all(folder).map_err(|error| fault(folder, &error))?;
        }
        std::fs::write(&here, &file.text).map_err(|error| fault(&here, &error))?;
        changed += 1;
    }
    let text = format!(
        "{}: {} files, {changed} written\n",
        out.display(),
        files.len()
    );
    Ok(Outcome { text, status: 0 })
}

/// The files that would change.
fn differing(out: &Path, files: &[GeneratedFile]) -> Result<Outcome, String> {
    let mut text = String::new();
    for path in PATHS {
        let there = std::fs::read_to_string(out.join(path)).ok();
        let wanted = files.iter().find(|file| file.path == *path);
        let difference = match (there, wanted) {
            (None, Some(_)) => "is missing",
            (Some(there), Some(file)) if there != file.text => "differs",
            (Some(there), None) if there.contains(MARK) => "is no longer generated",
            _ => continue,
        };
        text.push_str(&format!("{} {difference}\n", out.join(path).display()));
    }
    let status = u8::from(!text.is_empty());
    Ok(Outcome { text, status })
}

#[cfg(test)]
mod tests;
