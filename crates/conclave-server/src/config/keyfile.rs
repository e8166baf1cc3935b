//! Secrets that the server makes for itself and keeps in its data folder.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Secret;
use super::secret::SECRET_BYTES_MIN;

/// Fills its argument with random bytes.
pub type Random = fn(&mut [u8; 32]) -> io::Result<()>;

/// The secret of the own key: read from `secret.key` in `data_dir`, made there with mode 0600 by
/// the first start.
///
/// # Errors
/// As [`kept_secret`].
pub fn own_secret(data_dir: &Path, random: Random) -> io::Result<Secret> {
    kept_secret(&data_dir.join(OWN_SECRET), random)
}

/// The secret in the file at `path`; where there is none, a random one (43 characters of
/// base64url) is put there with mode 0600. Two starts at once agree on one.
///
/// # Errors
/// `PermissionDenied` where group or others may use the file, `InvalidData` where it holds less
/// than 32 bytes, else what the file system or `random` says; each names the path.
pub fn kept_secret(path: &Path, random: Random) -> io::Result<Secret> {
    let secret = match read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create(path, random).and_then(|()| read(path))
        }
        read => read,
    };
    secret.map_err(|error| named(path, &error))
}

/// The secret in the file at `path`, which must be there.
///
/// # Errors
/// As [`kept_secret`], and `NotFound`.
pub fn stored_secret(path: &Path) -> io::Result<Secret> {
    read(path).map_err(|error| named(path, &error))
}

/// The secret in a file that the operator keeps: whatever its mode; a newline at its end does not
/// count.
///
/// # Errors
/// What the file system says, with the path.
pub fn secret_in(path: &Path) -> io::Result<Secret> {
    let text = fs::read_to_string(path).map_err(|error| named(path, &error))?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Makes `dir` and its parents where missing, for the owner alone.
///
/// # Errors
/// What the file system says, with the path.
pub fn make_data_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|error| named(dir, &error))
}

fn read(path: &Path) -> io::Result<Secret> {
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!(
                "mode {:04o} lets others use this secret; make it 0600",
                mode & 0o7777
            ),
        ));
    }
    let text = fs::read_to_string(path)?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.len() < SECRET_BYTES_MIN {
        let problem = format!(
            "holds {} bytes, expected at least {SECRET_BYTES_MIN}",
            text.len()
        );
        return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
    }
    Ok(Secret::new(text.to_owned()))
}

/// Writes beside the file, then links: the name never shows a half-written secret, and the second
/// of two starts finds the first one's.
fn create(path: &Path, random: Random) -> io::Result<()> {
    let dir = path.parent().unwrap_or_else(|| Path::new("."));
    make_data_dir(dir)?;
    let mut bytes = [0; 32];
    random(&mut bytes)?;
    let secret = URL_SAFE_NO_PAD.encode(bytes);
    random(&mut bytes)?;
    let draft = dir.join(format!(".{}.draft", URL_SAFE_NO_PAD.encode(bytes)));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    let linked = writeln!(file, "{secret}")
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::hard_link(&draft, path));
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => fs::File::open(dir)?.sync_all(),
    }
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// The file of the own secret in the data folder.
pub(crate) const OWN_SECRET: &str = "secret.key";
