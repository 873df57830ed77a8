//! Keys of accounts: they seal blocks and sign transactions.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alloy_primitives::{Address, B256, hex};
use herald_proto::keccak256;
use secp256k1::ecdsa::RecoverableSignature;
use secp256k1::{Message, PublicKey, SecretKey};
use thiserror::Error;

/// A secp256k1 secret and the address that it controls.
#[derive(Clone)]
pub struct AccountKey {
    secret: SecretKey,
    address: Address,
}

/// A key that cannot be read or written.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("cannot use the key file {}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        error: Arc<io::Error>,
    },
    /// The text is no key. It is not repeated here: it may be a secret with a typing error.
    #[error("a key is 32 bytes in hex, 64 digits, and this is not; make one with `herald key`")]
    NotAKey,
    /// The system gives no randomness.
    #[error("the system gives no randomness for a new key")]
    NoRandomness,
}

impl AccountKey {
    /// A new key from the system's randomness.
    ///
    /// # Errors
    /// A system without randomness.
    pub fn random() -> Result<Self, KeyError> {
        // All but one in 2^128 draws are keys; a second draw is for form.
        for _ in 0..2 {
            let secret = B256::try_random().map_err(|_| KeyError::NoRandomness)?;
            if let Ok(key) = Self::from_bytes(secret) {
                return Ok(key);
            }
        }
        Err(KeyError::NoRandomness)
    }

    /// The key with that secret.
    ///
    /// # Errors
    /// Zero, or a number beyond the order of the curve.
    pub fn from_bytes(secret: B256) -> Result<Self, KeyError> {
        let secret = SecretKey::from_secret_bytes(secret.0).map_err(|_| KeyError::NotAKey)?;
        let address = address_of(&PublicKey::from_secret_key(&secret));
        Ok(Self { secret, address })
    }

    /// Reads 64 hex digits, with or without 0x, in a file as geth's `--nodekey` has it.
    ///
    /// # Errors
    /// A file that cannot be read, or holds no key.
    pub fn from_file(path: &Path) -> Result<Self, KeyError> {
        std::fs::read_to_string(path)
            .map_err(|error| KeyError::File { path: path.into(), error: Arc::new(error) })?
            .trim()
            .parse::<B256>()
            .map_err(|_| KeyError::NotAKey)
            .and_then(Self::from_bytes)
    }

    /// Writes a new file that only its owner may read; never over one that is there.
    ///
    /// # Errors
    /// A file that exists or cannot be made.
    pub fn to_new_file(&self, path: &Path) -> Result<(), KeyError> {
        use io::Write;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
            .open(path)
            .and_then(|mut file| {
                writeln!(file, "{}", hex::encode(self.secret()))?;
                file.sync_all()
            })
            .map_err(|error| KeyError::File { path: path.into(), error: Arc::new(error) })
    }

    /// The address: the last 20 bytes of the public key's hash.
    #[must_use]
    pub fn address(&self) -> Address {
        self.address
    }

    /// The secret itself, for those who must show or store it.
    #[must_use]
    pub fn secret(&self) -> B256 {
        B256::from(self.secret.to_secret_bytes())
    }

    /// Signs a hash: r, s, and the recovery id as 0 or 1.
    #[must_use]
    pub fn sign(&self, digest: B256) -> [u8; 65] {
        let message = Message::from_digest(digest.0);
        let (id, compact) =
            RecoverableSignature::sign_ecdsa_recoverable(message, &self.secret).serialize_compact();
        let mut signature = [0; 65];
        let (rs, v) = signature.split_at_mut(64);
        rs.copy_from_slice(&compact);
        v.fill(id.to_u8());
        signature
    }
}

/// The address of a public key.
#[must_use]
pub fn address_of(key: &PublicKey) -> Address {
    let [_, point @ ..] = key.serialize_uncompressed();
    let hash = keccak256(&point);
    Address::from_word(hash)
}

/// Only the address: secrets do not belong in logs.
impl fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AccountKey").field(&self.address).finish()
    }
}
