//! The node's key on disk.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use libp2p::identity::{DecodingError, Keypair};

/// Why the node's key could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The file could not be read.
    #[error("cannot read the node key {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file could not be written.
    #[error("cannot write the node key {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not a key.
    #[error(
        "{path} is not a node key ({source}); move it away to let a new one be made, which \
         changes the node's peer id"
    )]
    NotAKey {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: DecodingError,
    },
}

/// Reads the node's key from `path`, or makes one there that only its owner may read.
///
/// The file holds libp2p's own encoding of a key (protobuf), so that other tools read it.
///
/// # Errors
/// When the file is there and cannot be read or is no key, or when it cannot be written.
pub fn load_or_create_identity(path: &Path) -> Result<Keypair, IdentityError> {
    match fs::read(path) {
        Ok(bytes) => Keypair::from_protobuf_encoding(&bytes)
            .map_err(|source| IdentityError::NotAKey { path: path.to_owned(), source }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(path),
        Err(source) => Err(IdentityError::Read { path: path.to_owned(), source }),
    }
}

fn create(path: &Path) -> Result<Keypair, IdentityError> {
    let key = Keypair::generate_ed25519();
    let bytes = key.to_protobuf_encoding().expect("an ed25519 key always encodes");
    write_private(path, &bytes).map_err(|source| IdentityError::Write { path: path.to_owned(), source })?;
    Ok(key)
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_key_is_made_once_and_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node.key");
        let made = load_or_create_identity(&path).unwrap();
        let read = load_or_create_identity(&path).unwrap();
        assert_eq!(made.public(), read.public());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node.key");
        load_or_create_identity(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_file_that_is_no_key_is_named_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node.key");
        fs::write(&path, b"not a key").unwrap();
        let error = load_or_create_identity(&path).unwrap_err();
        assert!(matches!(error, IdentityError::NotAKey { .. }));
        assert!(error.to_string().contains("node.key"));
        assert_eq!(fs::read(&path).unwrap(), b"not a key");
    }
}
