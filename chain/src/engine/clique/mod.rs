//! Clique, proof of authority (EIP-225): a set of signers takes turns, and votes on its members.

mod check;
mod config;
mod fault;
mod genesis;
mod seal;
mod snapshot;

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use alloy_primitives::map::FbBuildHasher;
use alloy_primitives::{Address, B64, B256, Bytes, U256};
use herald_proto::roots::EMPTY_UNCLES_HASH;
use herald_proto::{Header, HeaderFields};
use lru::LruCache;

pub use self::config::{CliqueConfig, PERIOD_MAX_SECS};
pub use self::fault::CliqueFault;
pub use self::genesis::{DevGenesis, clique_extra_data};
pub use self::seal::{recover_signer, seal_hash, sealed};
pub use self::snapshot::Snapshot;
use super::{
    Ancestry, Engine, EngineError, EngineFault, NotNow, SealError, SealProof, SealTurn, Timestamps, Turn,
    VerifyError, Vote, VoteKind,
};
use crate::genesis::{ChainConfig, Fork, Genesis};
use crate::head::Head;
use crate::key::AccountKey;
use crate::store::StoreError;

/// The engine's name, and that of its section.
const NAME: &str = "clique";

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
    /// The chain's forks, where they are known.
    rules: Option<ChainConfig>,
    genesis: Arc<Snapshot>,
    signers: Mutex<LruCache<B256, Address, FbBuildHasher<32>>>,
    snapshots: Mutex<LruCache<B256, Arc<Snapshot>, FbBuildHasher<32>>>,
}

impl Clique {
    /// The engine of the chain that begins with `genesis`.
    ///
    /// # Errors
    /// Extra data that lists no signers, or one of them twice.
    pub fn new(config: CliqueConfig, genesis: &Genesis) -> Result<Self, EngineError> {
        let header = genesis.header();
        let unsuited = |fault: CliqueFault| EngineError::Genesis { engine: NAME, fault: fault.into() };
        let signers = checkpoint_signers(&header.extra_data).map_err(unsuited)?;
        if signers.is_empty() {
            return Err(EngineError::NoSigners);
        }
        // Clients would count it once, and take turns among fewer than were written down.
        if let Some(signer) = listed_twice(&signers) {
            return Err(unsuited(CliqueFault::SignerTwice { signer }));
        }
        Ok(Self {
            config,
            rules: genesis.config().cloned(),
            genesis: Arc::new(Snapshot::new(header.number, header.hash(), signers)),
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

    /// How long ago it was the signer's turn, in blocks: EIP-3436 prefers the larger of two
    /// equally heavy and high blocks. 0 for a block in turn.
    ///
    /// # Errors
    /// As [`Clique::snapshot`].
    fn blocks_since_turn(&self, header: &Header, ancestry: &dyn Ancestry) -> Result<u64, StoreError> {
        // Genesis has no signer, and its only rival is itself.
        let Ok(signer) = self.signer(header) else { return Ok(0) };
        Ok(self.snapshot(header, ancestry)?.blocks_since_turn(header.number, signer))
    }

    /// The extra data of an unsealed block: vanity, at a checkpoint the signers, zeros for the
    /// seal.
    fn extra_data(&self, number: u64, before: &Snapshot) -> Bytes {
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

    /// A chain that is to merge leaves Clique once a block reaches the terminal total difficulty.
    fn check_not_merged(&self, parent: &Head) -> Result<(), CliqueFault> {
        match self.rules.as_ref().and_then(ChainConfig::terminal_total_difficulty) {
            Some(terminal) if parent.total_difficulty >= terminal => Err(CliqueFault::Merged { terminal }),
            Some(_) | None => Ok(()),
        }
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

pub(super) fn open(genesis: &Genesis) -> Result<Arc<dyn Engine>, EngineError> {
    let section = genesis.section(NAME).ok_or(EngineError::NoSection { engine: NAME, section: NAME })?;
    let config = CliqueConfig::read(section)?;
    check::check_genesis(genesis, &config)?;
    Ok(Arc::new(Clique::new(config, genesis)?))
}

impl Engine for Clique {
    fn name(&self) -> &'static str {
        NAME
    }

    /// With a period of 0 blocks may share a timestamp, as in geth.
    fn timestamps(&self) -> Timestamps {
        if self.config.period == 0 { Timestamps::NotDecreasing } else { Timestamps::Increasing }
    }

    /// Vanity, seal, and at checkpoints as many signers as there are.
    fn extra_data_max(&self) -> Option<usize> {
        None
    }

    fn uncles_max(&self) -> usize {
        0
    }

    fn verify_header(
        &self,
        header: &Header,
        parent: &Head,
        ancestry: &dyn Ancestry,
    ) -> Result<(), VerifyError> {
        self.check_not_merged(parent)?;
        self.verify_form(header)?;
        let parent = &parent.header;
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
        if header.difficulty != difficulty(turn) {
            return Err(CliqueFault::WrongTurn { found: header.difficulty, turn }.into());
        }
        let after = before.apply(header, signer, self.config.epoch)?;
        lock(&self.snapshots).put(header.hash(), Arc::new(after));
        Ok(())
    }

    /// A snapshot once in a while, so that a restart need not replay the chain.
    fn state_to_keep(&self, header: &Header, ancestry: &dyn Ancestry) -> Result<Option<Vec<u8>>, StoreError> {
        if !header.number.is_multiple_of(SNAPSHOT_INTERVAL) {
            return Ok(None);
        }
        let snapshot = self.snapshot(header, ancestry)?;
        let state = serde_json::to_vec(&*snapshot)
            .expect("numbers, addresses and maps keyed by numbers always have JSON");
        Ok(Some(state))
    }

    /// EIP-3436: the heavier chain; of two as heavy the shorter; then the signer whose turn is
    /// longer ago; then the lower hash.
    fn compare_heads(
        &self,
        candidate: &Head,
        current: &Head,
        ancestry: &dyn Ancestry,
    ) -> Result<Ordering, StoreError> {
        let weight = candidate.total_difficulty.cmp(&current.total_difficulty);
        let (candidate, current) = (&candidate.header, &current.header);
        let order = weight.then_with(|| current.number.cmp(&candidate.number));
        if order != Ordering::Equal {
            return Ok(order);
        }
        let turn =
            self.blocks_since_turn(candidate, ancestry)?.cmp(&self.blocks_since_turn(current, ancestry)?);
        Ok(turn.then_with(|| current.hash().cmp(&candidate.hash())))
    }

    /// No genesis asks Clique for Paris: it ends before.
    fn is_paris(&self, _: &Header, _: &Head) -> bool {
        false
    }

    /// The signer, as in geth: the beneficiary is whom it votes on.
    fn fee_recipient(&self, header: &Header) -> Result<Address, EngineFault> {
        Ok(self.signer(header)?)
    }

    fn sealer(&self, header: &Header) -> Option<Address> {
        self.signer(header).ok()
    }

    fn turn(&self, header: &Header) -> Option<Turn> {
        [Turn::InTurn, Turn::OutOfTurn].into_iter().find(|turn| difficulty(*turn) == header.difficulty)
    }

    fn seal_proof(&self) -> SealProof {
        SealProof::Authorised
    }

    fn sealers(&self, header: &Header, ancestry: &dyn Ancestry) -> Result<Option<Vec<Address>>, StoreError> {
        Ok(Some(self.snapshot(header, ancestry)?.signers().copied().collect()))
    }

    fn seal_turn(
        &self,
        parent: &Head,
        signer: Address,
        now: u64,
        ancestry: &dyn Ancestry,
    ) -> Result<SealTurn, SealError> {
        self.check_not_merged(parent)?;
        let parent = &parent.header;
        let snapshot = self.snapshot(parent, ancestry)?;
        let number = parent.number.saturating_add(1);
        let at = now.max(parent.timestamp.saturating_add(self.config.period));
        if self.rules.as_ref().is_some_and(|rules| rules.is_active(Fork::Shanghai, number, at)) {
            return Err(CliqueFault::Ended.into());
        }
        Ok(match snapshot.turn(number, signer) {
            Ok(Turn::InTurn) => SealTurn::InTurn { at },
            Ok(Turn::OutOfTurn) => {
                let signers = u32::try_from(snapshot.sign_again_after()).unwrap_or(u32::MAX);
                SealTurn::OutOfTurn { at, spread: WIGGLE.saturating_mul(signers) }
            }
            Err(CliqueFault::RecentlySigned { until, .. }) => {
                SealTurn::NotNow(NotNow::RecentlySigned { until })
            }
            Err(_) => SealTurn::NotNow(NotNow::NotASigner),
        })
    }

    fn prepare(
        &self,
        draft: &mut HeaderFields,
        parent: &Head,
        signer: Address,
        vote: Option<Vote>,
        ancestry: &dyn Ancestry,
    ) -> Result<Turn, SealError> {
        self.check_not_merged(parent)?;
        let snapshot = self.snapshot(&parent.header, ancestry)?;
        let number = draft.number;
        let turn = snapshot.turn(number, signer)?;
        let vote = vote.filter(|vote| !self.is_checkpoint(number) && snapshot.is_meaningful(*vote));
        (draft.beneficiary, draft.nonce) = vote.map(vote_fields).unwrap_or_default();
        draft.timestamp = draft.timestamp.max(parent.header.timestamp.saturating_add(self.config.period));
        draft.difficulty = difficulty(turn);
        draft.extra_data = self.extra_data(number, &snapshot);
        Ok(turn)
    }

    fn seal(&self, prepared: HeaderFields, key: &AccountKey) -> Result<Header, SealError> {
        Ok(sealed(prepared, key)?)
    }
}

/// Beneficiary and nonce that cast a vote.
#[must_use]
pub fn vote_fields(vote: Vote) -> (Address, B64) {
    let nonce = match vote.kind {
        VoteKind::Add => NONCE_ADD,
        VoteKind::Drop => NONCE_DROP,
    };
    (vote.subject, nonce)
}

/// What a block weighs: signers in turn are preferred.
fn difficulty(turn: Turn) -> U256 {
    match turn {
        Turn::InTurn => U256::from(2),
        Turn::OutOfTurn => U256::from(1),
    }
}

/// The first signer that is listed a second time.
fn listed_twice(signers: &[Address]) -> Option<Address> {
    let mut seen = BTreeSet::new();
    signers.iter().copied().find(|signer| !seen.insert(*signer))
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
