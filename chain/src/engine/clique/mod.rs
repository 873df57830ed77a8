//! Clique, proof of authority (EIP-225): a set of signers takes turns, and votes on its members.

mod check;
mod fault;
mod seal;
mod snapshot;

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use alloy_primitives::map::FbBuildHasher;
use alloy_primitives::{Address, B64, B256, Bytes, U256};
use herald_proto::Header;
use herald_proto::roots::EMPTY_UNCLES_HASH;
use lru::LruCache;

pub(crate) use self::check::check_genesis;
pub use self::fault::CliqueFault;
pub use self::seal::{recover_signer, seal_hash, sealed};
pub use self::snapshot::{Snapshot, Turn, Vote, VoteKind};
use super::{Ancestry, EngineError};
use crate::genesis::{CliqueConfig, clique_extra_data};
use crate::store::StoreError;

/// Bytes at the front of the extra data that a signer may fill as it likes.
pub const VANITY_BYTES: usize = 32;
/// Bytes at the end of the extra data: r, s and the recovery id of the signature.
pub const SEAL_BYTES: usize = 65;

/// The nonce of a vote to add.
const NONCE_ADD: B64 = B64::repeat_byte(0xff);
/// The nonce of a vote to drop, and of no vote.
const NONCE_DROP: B64 = B64::ZERO;

/// Signers kept in memory by block hash: recovering one costs 27 µs.
const SIGNERS_KEPT: NonZeroUsize = NonZeroUsize::new(4096).expect("not zero");
/// Snapshots kept in memory: the branches near the head.
const SNAPSHOTS_KEPT: NonZeroUsize = NonZeroUsize::new(128).expect("not zero");
/// Blocks between two snapshots on disk: a restart replays at most so many headers, in 30 ms.
const SNAPSHOT_INTERVAL: u64 = 1024;
/// What each signer that could sign adds to the time over which signers out of turn spread, as
/// in geth.
const WIGGLE: Duration = Duration::from_millis(500);

/// The engine of one chain.
#[derive(Debug)]
pub struct Clique {
    config: CliqueConfig,
    genesis: Arc<Snapshot>,
    signers: Mutex<LruCache<B256, Address, FbBuildHasher<32>>>,
    snapshots: Mutex<LruCache<B256, Arc<Snapshot>, FbBuildHasher<32>>>,
}

/// Why a header's seal is not accepted.
#[derive(Clone, Debug)]
pub enum VerifyError {
    /// The header breaks a rule.
    Fault(CliqueFault),
    /// The node cannot tell.
    Store(StoreError),
}

/// Whether and when a signer may seal the next block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealTurn {
    /// It is its turn: seal when `at` comes, in seconds since 1970.
    InTurn {
        /// The block's timestamp.
        at: u64,
    },
    /// Another's turn: seal when `at` comes and a random part of `wiggle` has passed, if there is
    /// still no block.
    OutOfTurn {
        /// The block's timestamp.
        at: u64,
        /// How long signers out of turn spread over.
        wiggle: Duration,
    },
    /// It signed one of the last blocks, and must let others go first.
    RecentlySigned {
        /// The first block number that it may sign again.
        until: u64,
    },
    /// It is not in the set.
    NotASigner,
}

impl Clique {
    /// The engine of the chain that begins with `genesis`.
    ///
    /// # Errors
    /// Extra data that lists no signers.
    pub fn new(config: CliqueConfig, genesis: &Header) -> Result<Self, EngineError> {
        let signers = checkpoint_signers(&genesis.extra_data).map_err(EngineError::Genesis)?;
        if signers.is_empty() {
            return Err(EngineError::NoSigners);
        }
        Ok(Self {
            config,
            genesis: Arc::new(Snapshot::new(genesis.number, genesis.hash(), signers)),
            signers: Mutex::new(LruCache::with_hasher(SIGNERS_KEPT, FbBuildHasher::default())),
            snapshots: Mutex::new(LruCache::with_hasher(SNAPSHOTS_KEPT, FbBuildHasher::default())),
        })
    }

    /// Period and epoch.
    #[must_use]
    pub fn config(&self) -> CliqueConfig {
        self.config
    }

    /// Who signed `header`.
    ///
    /// # Errors
    /// Extra data without a seal, or a seal that is no signature.
    pub fn signer(&self, header: &Header) -> Result<Address, CliqueFault> {
        let hash = header.hash();
        if let Some(signer) = lock(&self.signers).get(&hash) {
            return Ok(*signer);
        }
        let signer = recover_signer(header)?;
        lock(&self.signers).put(hash, signer);
        Ok(signer)
    }

    /// Checks what Clique says of a header whose parent is known. Rules that hold for every
    /// engine are not repeated here.
    ///
    /// # Errors
    /// The first rule broken, or a store that fails.
    pub fn verify(
        &self,
        header: &Header,
        parent: &Header,
        ancestry: &dyn Ancestry,
    ) -> Result<(), VerifyError> {
        self.verify_form(header)?;
        let earliest = parent.timestamp.saturating_add(self.config.period);
        if header.timestamp < earliest {
            return Err(CliqueFault::TooEarly { found: header.timestamp, earliest }.into());
        }
        let before = self.snapshot(parent, ancestry)?;
        if self.is_checkpoint(header.number) {
            let listed = checkpoint_signers(&header.extra_data)?;
            if !listed.iter().eq(before.signers()) {
                return Err(CliqueFault::CheckpointSigners.into());
            }
        }
        let signer = self.signer(header)?;
        let turn = before.turn(header.number, signer)?;
        if header.difficulty != turn.difficulty() {
            return Err(CliqueFault::WrongTurn { found: header.difficulty, turn }.into());
        }
        let after = before.apply(header, signer, self.config.epoch)?;
        lock(&self.snapshots).put(header.hash(), Arc::new(after));
        Ok(())
    }

    /// Signers, recent signers and votes as they stand after `header`, which must be verified.
    ///
    /// # Errors
    /// A store that fails or lacks an ancestor.
    pub fn snapshot(&self, header: &Header, ancestry: &dyn Ancestry) -> Result<Arc<Snapshot>, StoreError> {
        let damaged = || StoreError::Damaged { what: "the history of Clique's signers" };
        let mut after = Vec::new();
        let mut header = header.clone();
        let mut snapshot = loop {
            if header.number == 0 {
                break Arc::clone(&self.genesis);
            }
            if let Some(snapshot) = lock(&self.snapshots).get(&header.hash()) {
                break Arc::clone(snapshot);
            }
            if header.number.is_multiple_of(SNAPSHOT_INTERVAL)
                && let Some(bytes) = ancestry.engine_state(&header.hash())?
            {
                break Arc::new(serde_json::from_slice(&bytes).map_err(|_| damaged())?);
            }
            let parent = ancestry.header(&header.parent_hash)?.ok_or_else(damaged)?;
            after.push(header);
            header = parent;
        };
        for header in after.iter().rev() {
            let signer = self.signer(header).map_err(|_| damaged())?;
            let next = snapshot.apply(header, signer, self.config.epoch).map_err(|_| damaged())?;
            snapshot = Arc::new(next);
            lock(&self.snapshots).put(header.hash(), Arc::clone(&snapshot));
        }
        Ok(snapshot)
    }

    /// What is to be kept on disk beside `header`, so that a restart need not replay the chain.
    ///
    /// # Errors
    /// As [`Clique::snapshot`].
    pub fn state_to_keep(
        &self,
        header: &Header,
        ancestry: &dyn Ancestry,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        if !header.number.is_multiple_of(SNAPSHOT_INTERVAL) {
            return Ok(None);
        }
        let snapshot = self.snapshot(header, ancestry)?;
        let state = serde_json::to_vec(&*snapshot)
            .expect("numbers, addresses and maps keyed by numbers always have JSON");
        Ok(Some(state))
    }

    /// How long ago it was the signer's turn, in blocks: EIP-3436 prefers the larger of two
    /// equally heavy and high blocks. 0 for a block in turn.
    ///
    /// # Errors
    /// As [`Clique::snapshot`].
    pub fn blocks_since_turn(&self, header: &Header, ancestry: &dyn Ancestry) -> Result<u64, StoreError> {
        // Genesis has no signer, and its only rival is itself.
        let Ok(signer) = self.signer(header) else { return Ok(0) };
        Ok(self.snapshot(header, ancestry)?.blocks_since_turn(header.number, signer))
    }

    /// Whether and when `signer` may seal on top of `parent`; `now` in seconds since 1970.
    ///
    /// # Errors
    /// As [`Clique::snapshot`].
    pub fn seal_turn(
        &self,
        parent: &Header,
        signer: Address,
        now: u64,
        ancestry: &dyn Ancestry,
    ) -> Result<SealTurn, StoreError> {
        let snapshot = self.snapshot(parent, ancestry)?;
        let number = parent.number.saturating_add(1);
        let at = now.max(parent.timestamp.saturating_add(self.config.period));
        Ok(match snapshot.turn(number, signer) {
            Ok(Turn::InTurn) => SealTurn::InTurn { at },
            Ok(Turn::OutOfTurn) => {
                let spread = u32::try_from(snapshot.sign_again_after()).unwrap_or(u32::MAX);
                SealTurn::OutOfTurn { at, wiggle: WIGGLE.saturating_mul(spread) }
            }
            Err(CliqueFault::RecentlySigned { until, .. }) => SealTurn::RecentlySigned { until },
            Err(_) => SealTurn::NotASigner,
        })
    }

    /// The extra data of an unsealed block: vanity, at a checkpoint the signers, room for the
    /// seal.
    #[must_use]
    pub fn extra_data(&self, number: u64, before: &Snapshot) -> Bytes {
        if self.is_checkpoint(number) {
            let signers: Vec<Address> = before.signers().copied().collect();
            clique_extra_data(&signers)
        } else {
            clique_extra_data(&[])
        }
    }

    /// Whether a block of that number lists the signers and forgets the votes.
    #[must_use]
    pub fn is_checkpoint(&self, number: u64) -> bool {
        number.is_multiple_of(self.config.epoch)
    }

    /// What a header must look like, whoever signed it.
    fn verify_form(&self, header: &Header) -> Result<(), CliqueFault> {
        let checkpoint = self.is_checkpoint(header.number);
        if header.nonce != NONCE_ADD && header.nonce != NONCE_DROP {
            return Err(CliqueFault::Nonce { found: header.nonce });
        }
        if checkpoint && (!header.beneficiary.is_zero() || header.nonce != NONCE_DROP) {
            return Err(CliqueFault::CheckpointVote);
        }
        let signers = checkpoint_signers(&header.extra_data)?;
        if !checkpoint && !signers.is_empty() {
            return Err(CliqueFault::SignersOutsideCheckpoint);
        }
        if !header.mix_hash.is_zero() {
            return Err(CliqueFault::MixHash);
        }
        if header.uncles_hash != EMPTY_UNCLES_HASH {
            return Err(CliqueFault::Uncles);
        }
        if header.difficulty != U256::from(1) && header.difficulty != U256::from(2) {
            return Err(CliqueFault::Difficulty { found: header.difficulty });
        }
        if header.withdrawals_root.is_some() {
            return Err(CliqueFault::AfterLondon);
        }
        Ok(())
    }
}

impl Vote {
    /// Beneficiary and nonce that cast this vote.
    #[must_use]
    pub fn fields(&self) -> (Address, B64) {
        let nonce = match self.kind {
            VoteKind::Add => NONCE_ADD,
            VoteKind::Drop => NONCE_DROP,
        };
        (self.subject, nonce)
    }
}

impl From<CliqueFault> for VerifyError {
    fn from(fault: CliqueFault) -> Self {
        Self::Fault(fault)
    }
}

impl From<StoreError> for VerifyError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The signers between vanity and seal, as they are listed.
fn checkpoint_signers(extra_data: &[u8]) -> Result<Vec<Address>, CliqueFault> {
    let found = extra_data.len();
    let listed = found
        .checked_sub(VANITY_BYTES + SEAL_BYTES)
        .and_then(|len| extra_data.get(VANITY_BYTES..VANITY_BYTES + len))
        .ok_or(CliqueFault::ExtraDataTooShort { found })?;
    let (signers, rest) = listed.as_chunks::<20>();
    if !rest.is_empty() {
        return Err(CliqueFault::SignersNotWhole { found: listed.len() });
    }
    Ok(signers.iter().map(Address::from).collect())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A cache is right whatever a panicking thread was doing with it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
