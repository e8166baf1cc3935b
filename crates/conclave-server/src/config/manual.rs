//! The manual and the default file, made from the sections.

use super::Config;
use super::source::ADOPTED;
use super::value::{Entry, Inner, Value};

/// Every key as Markdown: `docs/config.md`.
#[must_use]
pub fn manual() -> String {
    let mut page = INTRODUCTION.to_owned();
    for (name, path) in ADOPTED {
        line(
            &mut page,
            &format!("| `{name}` | `{}` |", path.replace("__", ".")),
        );
    }
    line(
        &mut page,
        "| `WS_TEST_TOKEN` | the token of `/test-token`; dev mode only |",
    );
    for (section, heading, entries) in sections() {
        chapter(&mut page, &section, &entries, heading);
    }
    page
}

/// Every key with its default as a TOML file; unset ones are comments.
#[must_use]
pub fn default_file() -> String {
    let mut file = "# Conclave: every key with its default.\n".to_owned();
    for (section, heading, entries) in sections() {
        table(&mut file, &section, &entries, heading);
    }
    file
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Heading {
    List,
    Table,
}

impl Heading {
    fn text(self, path: &str) -> String {
        match self {
            Self::List => format!("[[{path}]]"),
            Self::Table => format!("[{path}]"),
        }
    }
}

struct Section {
    path: String,
    doc: &'static [&'static str],
}

fn sections() -> Vec<(Section, Heading, Vec<Entry>)> {
    let Inner::Table(entries) = Config::default().inner() else {
        return Vec::new();
    };
    entries
        .into_iter()
        .filter_map(|entry| {
            let (heading, keys) = match entry.inner {
                Inner::Table(keys) => (Heading::Table, keys),
                Inner::List(keys) => (Heading::List, keys),
                Inner::Map(_) | Inner::Plain => return None,
            };
            let section = Section {
                path: entry.name.to_owned(),
                doc: entry.doc,
            };
            Some((section, heading, keys))
        })
        .collect()
}

fn chapter(page: &mut String, section: &Section, entries: &[Entry], heading: Heading) {
    let (plain, deeper): (Vec<&Entry>, Vec<&Entry>) = entries
        .iter()
        .partition(|entry| matches!(entry.inner, Inner::Plain));
    if !plain.is_empty() {
        let (name, doc) = (heading.text(&section.path), sentence(section.doc));
        line(page, &format!("\n## `{name}`\n\n{doc}\n"));
        line(
            page,
            "| key | type | default | meaning |\n| --- | --- | --- | --- |",
        );
    }
    for entry in plain {
        let default = entry
            .text
            .as_ref()
            .map_or_else(|| "unset".to_owned(), |text| format!("`{text}`"));
        let (name, shape, doc) = (entry.name, &entry.shape, sentence(entry.doc));
        line(
            page,
            &format!(
                "| `{name}` | {shape} | {default} | {} |",
                doc.replace('|', "\\|")
            ),
        );
    }
    for entry in deeper {
        let below = Section {
            path: format!("{}.{}", section.path, entry.name),
            doc: entry.doc,
        };
        match &entry.inner {
            Inner::List(entries) => chapter(page, &below, entries, Heading::List),
            Inner::Table(entries) => chapter(page, &below, entries, Heading::Table),
            Inner::Map(defaults) => {
                let doc = sentence(below.doc);
                let path = &below.path;
                line(
                    page,
                    &format!("\n## `[{path}]`\n\nA {}. {doc}\n", entry.shape),
                );
                line(page, "| name | default |\n| --- | --- |");
                for (name, text) in defaults {
                    line(page, &format!("| `{name}` | `{text}` |"));
                }
            }
            Inner::Plain => {}
        }
    }
}

fn table(file: &mut String, section: &Section, entries: &[Entry], heading: Heading) {
    let off = if heading == Heading::List { "# " } else { "" };
    line(file, "");
    comment(file, section.doc);
    line(file, &format!("{off}{}", heading.text(&section.path)));
    for entry in entries
        .iter()
        .filter(|entry| matches!(entry.inner, Inner::Plain))
    {
        comment(file, entry.doc);
        match &entry.text {
            Some(text) => line(file, &format!("{off}{} = {text}", entry.name)),
            None => line(
                file,
                &format!("# {} = ({}; unset)", entry.name, entry.shape),
            ),
        }
    }
    for entry in entries {
        let below = Section {
            path: format!("{}.{}", section.path, entry.name),
            doc: entry.doc,
        };
        match &entry.inner {
            Inner::List(entries) => table(file, &below, entries, Heading::List),
            // Below a list that is a comment, tables are comments too.
            Inner::Table(entries) if heading == Heading::List => {
                let mut inner = String::new();
                table(&mut inner, &below, entries, Heading::Table);
                for text in inner.lines() {
                    let off = if text.is_empty() || text.starts_with('#') {
                        ""
                    } else {
                        "# "
                    };
                    line(file, &format!("{off}{text}"));
                }
            }
            Inner::Table(entries) => table(file, &below, entries, Heading::Table),
            Inner::Map(defaults) => {
                line(file, "");
                comment(file, below.doc);
                line(file, &format!("{off}[{}]", below.path));
                for (name, text) in defaults {
                    line(file, &format!("{off}{name} = {text}"));
                }
            }
            Inner::Plain => {}
        }
    }
}

fn comment(file: &mut String, doc: &[&str]) {
    for text in doc {
        line(file, format!("# {}", text.trim()).trim_end());
    }
}

fn sentence(doc: &[&str]) -> String {
    doc.iter()
        .map(|text| text.trim())
        .collect::<Vec<_>>()
        .join(" ")
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

const INTRODUCTION: &str = "\
# Configuration

Made by `conclave config doc` from the definitions in the code; do not edit.

Sources, each over the one before: the defaults, the file (`--config FILE`, else `conclave.toml`
where it exists), the environment, flags. `conclave config check` says what is wrong and what is
worth a thought, `conclave config default` prints a file with all defaults.

A key's variable is `CONCLAVE_`, the section, `__` and the key, in capitals:
`CONCLAVE_LIMITS__MESSAGE_BYTES=32768`. Items of a list are separated by commas:
`CONCLAVE_SERVER__LISTEN=\"127.0.0.1:8081,[::1]:8081\"`. Lists of tables count from 0:
`CONCLAVE_AUTH__ISSUERS__0__NAME=clerk`. An unknown key, in the file or in such a variable, stops
the start. These variables count too, below those:

| variable | key |
| --- | --- |
";
