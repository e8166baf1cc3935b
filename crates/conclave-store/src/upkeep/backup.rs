//! A copy of a store.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::failed;
use crate::sql::{self, Statement};
use crate::store::Engine;
use crate::{Store, StoreError, sqlite};

impl Store {
    /// Writes a copy of one moment of the store to a new file of mode 0600, compact and synced to
    /// the disk. A running server goes on meanwhile. The copy is a store: a server starts on it.
    ///
    /// # Errors
    /// `File` where `to` exists or cannot be written, `Open`, `Statement`. What was begun is
    /// removed. `NoFile` where the store is in `PostgreSQL`.
    pub async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let Engine::Sqlite { path, .. } = &self.engine else {
            return Err(StoreError::NoFile {
                place: self.place.clone(),
            });
        };
        let to = std::path::absolute(to).map_err(at(to))?;
        let made = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&to);
        drop(made.map_err(at(&to))?);
        let copied = copy(path, &to).await;
        if copied.is_err() {
            // What cannot be removed either is named by the first error.
            std::fs::remove_file(&to).ok();
        }
        copied
    }
}

async fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    let connection = sqlite::own_reader(from).await;
    let mut connection = connection.map_err(|error| StoreError::Open {
        place: from.display().to_string().into(),
        source: Box::new(error),
    })?;
    let name = to.to_str().ok_or(StoreError::Value("path"))?;
    let copy = sql::query(COPY).bind(name);
    copy.execute(&mut connection).await.map_err(failed)?;
    connection.close().await.map_err(failed)?;
    let file = File::open(to).and_then(|file| file.sync_all());
    file.map_err(at(to))?;
    match to.parent() {
        Some(folder) => File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(at(folder)),
        None => Ok(()),
    }
}

const COPY: Statement = Statement::new("VACUUM INTO $1", &[]);

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::File { path, source }
}
