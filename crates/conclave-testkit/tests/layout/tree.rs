//! The files of the repository: all that git tracks, or would track if asked to add everything.

use std::path::{Path, PathBuf};
use std::process::Command;

/// One text file: its path from the root of the repository, with `/` between the parts.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// A TOML file, mostly a crate's `Cargo.toml`.
pub(crate) struct Manifest {
    pub(crate) path: String,
    pub(crate) toml: toml::Table,
}

/// Every text file; files that are not UTF-8 are left out.
pub(crate) struct Tree {
    pub(crate) files: Vec<File>,
}

impl Tree {
    /// Reads the repository that this crate lies in.
    ///
    /// # Errors
    /// Where git does not answer or lists nothing: a rule that saw no file would pass in silence.
    pub(crate) fn read() -> Result<Self, String> {
        let root = root();
        let output = Command::new("git")
            .args([
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ])
            .current_dir(&root)
            .output()
            .map_err(|error| format!("git cannot be run: {error}"))?;
        if !output.status.success() {
            return Err(format!(
                "git ls-files: {}",
                String::from_utf8_lossy(&output.stderr)
            ));
        }
        let files: Vec<File> = String::from_utf8_lossy(&output.stdout)
            .split('\0')
            .filter(|path| !path.is_empty())
            .filter_map(|path| read(&root, path))
            .collect();
        if !files.iter().any(|file| file.path == "Cargo.toml") {
            return Err("git lists no file of ours".to_owned());
        }
        Ok(Self { files })
    }

    /// The manifests of all crates of the workspace, its own left out.
    ///
    /// # Errors
    /// Names a manifest that is no TOML.
    pub(crate) fn manifests(&self) -> Result<Vec<Manifest>, String> {
        let mut manifests = self.named("Cargo.toml")?;
        manifests
            .retain(|manifest| manifest.path.contains('/') && !manifest.path.starts_with("fuzz/"));
        Ok(manifests)
    }

    /// The TOML files of that name in any folder.
    ///
    /// # Errors
    /// Names a file that is no TOML.
    pub(crate) fn named(&self, name: &str) -> Result<Vec<Manifest>, String> {
        let last = |path: &str| path.rsplit('/').next() == Some(name);
        let files = self.files.iter().filter(|file| last(&file.path));
        files
            .map(|file| Manifest::parse(&file.path, &file.text))
            .collect()
    }

    /// One TOML file by its path.
    ///
    /// # Errors
    /// Where there is no such file, or it is no TOML.
    pub(crate) fn toml(&self, path: &str) -> Result<Manifest, String> {
        let file = self.files.iter().find(|file| file.path == path);
        let file = file.ok_or_else(|| format!("{path} is missing"))?;
        Manifest::parse(path, &file.text)
    }
}

impl Manifest {
    /// Parses the text of a manifest.
    ///
    /// # Errors
    /// Says where the text is no TOML.
    pub(crate) fn parse(path: &str, text: &str) -> Result<Self, String> {
        let toml = text
            .parse()
            .map_err(|error| format!("{path} is no TOML: {error}"))?;
        Ok(Self {
            path: path.to_owned(),
            toml,
        })
    }

    /// The name of the crate, empty where there is none.
    pub(crate) fn name(&self) -> &str {
        let package = self.toml.get("package");
        package
            .and_then(|package| package.get("name"))
            .and_then(|name| name.as_str())
            .unwrap_or("")
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(root: &Path, path: &str) -> Option<File> {
    let text = std::fs::read_to_string(root.join(path)).ok()?;
    Some(File {
        path: path.to_owned(),
        text,
    })
}
