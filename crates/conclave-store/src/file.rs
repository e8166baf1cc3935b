//! The folder and the file on the disk: nobody but the owner reads password hashes.

use std::ffi::OsString;
use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::StoreError;

/// Makes the folder (mode 0700) and the file (mode 0600) where they are missing, and takes the
/// rights of group and others from a file that has them. `SQLite` gives the two files beside it
/// (write-ahead log and its index) the mode of the database. Returns the absolute path.
pub(crate) fn private(path: &Path) -> Result<PathBuf, StoreError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| StoreError::File { path, source }
    };
    // SQLite takes a name that starts with `file:` for a URI; an absolute path never does.
    let path = std::path::absolute(path).map_err(failed(path))?;
    if let Some(folder) = path.parent() {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(failed(folder))?;
    }
    let opened = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(&path);
    opened.map_err(failed(&path))?;
    for suffix in ["", "-wal", "-shm"] {
        let mut name = OsString::from(&path);
        name.push(suffix);
        let file = PathBuf::from(name);
        restrict(&file).map_err(failed(&file))?;
    }
    Ok(path)
}

fn restrict(file: &Path) -> io::Result<()> {
    let metadata = match std::fs::metadata(file) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if metadata.mode() & 0o077 == 0 {
        return Ok(());
    }
    std::fs::set_permissions(file, Permissions::from_mode(0o600))
}
