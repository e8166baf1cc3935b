//! Reads every document below a folder and prints a table:
//! `corpus FOLDER [--show PART OF A PATH] [--generate OUT --runtime PATH]`.
//!
//! A document is a YAML or JSON file that says `asyncapi` at its top. Every one must parse or give a
//! diagnostic; a panic ends the run. With `--generate` each valid one that has a WebSocket server
//! becomes a crate in a folder of its own below OUT, all in one workspace.

use std::path::{Path, PathBuf};

use conclave_asyncapi::generate::{Dependencies, generate};
use conclave_asyncapi::service::{Options, plan};
use conclave_asyncapi::{Diagnostic, FolderLoader, Limits, Reading, has_errors, read};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let arguments = Arguments::read()?;
    let mut paths = Vec::new();
    gather(&arguments.folder, &mut paths)?;
    paths.sort();
    let mut counts = Counts::default();
    let mut crates = Vec::new();
    for path in paths.iter().filter(|path| is_document(path)) {
        let name = path.strip_prefix(&arguments.folder)?.display().to_string();
        // References may reach as far as the repository that the document is from.
        let Some((repository, inside)) = name.split_once('/') else {
            continue;
        };
        let limits = Limits::default();
        let loader = FolderLoader::new(&arguments.folder.join(repository), &limits)?;
        let reading = read(inside, &loader, &limits);
        counts.add(&reading);
        arguments.print(&name, &reading);
        if let Some(made) = arguments.generate(&name, &reading, &mut counts)? {
            crates.push(made);
        }
    }
    if let (Some((out, _)), false) = (&arguments.out, crates.is_empty()) {
        let members = crates
            .iter()
            .map(|name| format!("\"{name}\""))
            .collect::<Vec<_>>();
        let workspace = format!(
            "[workspace]\nresolver = \"3\"\nmembers = [{}]\n\n[profile.dev]\ndebug = false\n",
            members.join(", ")
        );
        std::fs::write(out.join("Cargo.toml"), workspace)?;
    }
    println!("{counts:?}");
    Ok(())
}

struct Arguments {
    folder: PathBuf,
    show: Option<String>,
    /// Where crates go, and where their runtime is.
    out: Option<(PathBuf, String)>,
}

impl Arguments {
    fn read() -> Outcome<Self> {
        let mut arguments = std::env::args().skip(1);
        let folder = PathBuf::from(arguments.next().ok_or("which folder?")?);
        let (mut show, mut out, mut runtime) = (None, None, None);
        while let Some(name) = arguments.next() {
            let value = arguments.next();
            match name.as_str() {
                "--show" => show = value,
                "--generate" => out = value,
                "--runtime" => runtime = value,
                _ => return Err(format!("unknown argument {name}").into()),
            }
        }
        let out = out.map(|out| (PathBuf::from(out), runtime.unwrap_or_default()));
        Ok(Self { folder, show, out })
    }

    fn print(&self, name: &str, reading: &Reading) {
        let verdict = match &reading.document {
            _ if has_errors(&reading.diagnostics) => "errors",
            Some(_) => "valid",
            None => "silent",
        };
        println!("{verdict}\t{name}\t{} findings", reading.diagnostics.len());
        self.explain(name, &reading.diagnostics);
    }

    fn explain(&self, name: &str, diagnostics: &[Diagnostic]) {
        if self.show.as_ref().is_some_and(|show| name.contains(show)) {
            for diagnostic in diagnostics {
                println!("\t{diagnostic}");
            }
        }
    }

    /// The folder of the crate that was made of a document.
    fn generate(
        &self,
        name: &str,
        reading: &Reading,
        counts: &mut Counts,
    ) -> Outcome<Option<String>> {
        let (Some((out, runtime)), Some(document)) = (&self.out, &reading.document) else {
            return Ok(None);
        };
        let has_socket = document
            .servers
            .iter()
            .any(conclave_asyncapi::model::Server::is_websocket);
        if !has_socket || has_errors(&reading.diagnostics) {
            return Ok(None);
        }
        counts.sockets += 1;
        let mut service = match plan(document, &Options::default()) {
            Ok((service, _)) => service,
            Err(diagnostics) => {
                println!("refused\t{name}\t{} findings", diagnostics.len());
                self.explain(name, &diagnostics);
                return Ok(None);
            }
        };
        let slug: String = name
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() {
                    c.to_ascii_lowercase()
                } else {
                    '-'
                }
            })
            .collect();
        service.crate_name = format!("c{}-{}", counts.generated, service.crate_name);
        let dependencies = Dependencies {
            runtime: format!("path = \"{runtime}\""),
            document: name.to_owned(),
        };
        for file in generate(&service, &dependencies)? {
            let path = out.join(&slug).join(file.path);
            std::fs::create_dir_all(path.parent().ok_or("a file without a folder")?)?;
            // One workspace keeps one target folder.
            std::fs::write(path, file.text.replace("[workspace]\n\n", ""))?;
        }
        println!("generated\t{name}\t{} types", service.shapes.all.len());
        counts.generated += 1;
        Ok(Some(slug))
    }
}

#[derive(Debug, Default)]
struct Counts {
    documents: usize,
    without_errors: usize,
    with_errors: usize,
    unreadable: usize,
    silent: usize,
    sockets: usize,
    generated: usize,
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
    let says_so = |line: &str| {
        let line = line.trim_start_matches(['{', ' ', '\t']);
        ["asyncapi:", "\"asyncapi\":", "'asyncapi':"]
            .iter()
            .any(|start| line.starts_with(start))
    };
    extension.is_some_and(|extension| known.contains(&extension)) && text.lines().any(says_so)
}
