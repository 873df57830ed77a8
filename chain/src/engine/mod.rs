//! Consensus engines: who may make a block, and which of two chains is followed.
//!
//! A chain has one [`Engine`], an object that is chosen once, when the chain is opened: found by
//! name in [`ENGINES`], or made by the caller and handed over in [`EngineChoice::Given`]. Whatever
//! differs from engine to engine is behind that trait, so nothing outside this folder asks which
//! engine it is.
//!
//! To add one, write its module, and name that and what it makes here, in [`ENGINES`].

mod choice;
pub mod clique;
pub mod ethash;
mod fault;
mod merge;
mod sealing;
mod trusted;

use std::cmp::Ordering;
use std::fmt;

use alloy_primitives::{Address, B256, U256};
use bytes::Bytes;
use herald_proto::{Block, Header, HeaderFields};

pub use self::choice::{EngineChoice, EngineError, EngineSpec, UnknownEngine};
pub use self::fault::{EngineFault, Fault, SealError, VerifyError};
pub use self::merge::MergeFault;
pub use self::sealing::{NotNow, SealTurn, Turn, Vote, VoteKind};
pub use self::trusted::Trusted;
use crate::head::Head;
use crate::key::AccountKey;
use crate::store::StoreError;

/// Every engine here, in the order in which a genesis is offered to them.
pub const ENGINES: &[EngineSpec] = &[
    EngineSpec {
        name: "clique",
        about: "proof of authority (EIP-225): every seal is checked, and blocks are sealed",
        sections: &["clique"],
        refuses: "without a `clique` section or without signers",
        open: clique::open,
    },
    EngineSpec {
        name: "ethash",
        about: "Ethereum's difficulty, uncles and change to proof of stake; the work itself is not checked",
        sections: &["ethash"],
        refuses: "that does not tell the chain's forks, as a block in RLP or JSON without `config`",
        open: ethash::open,
    },
    EngineSpec {
        name: "trusted",
        about: "neither seal nor difficulty is checked: for chain files whose source is trusted",
        sections: &[],
        refuses: "whose blocks have other hashes than Ethereum's",
        open: trusted::open,
    },
];

/// Most bytes of extra data where it is free text (yellow paper, 4.4.4).
pub const FREE_EXTRA_DATA_MAX: usize = 32;

/// The consensus rules of one chain.
///
/// # What the chain does, and what the engine does
/// The chain checks what holds under every engine, before it asks the engine: the number, fields
/// of forks, gas limit and use, base fee, blob gas, roots against the body, and the clock. The
/// limits that differ are asked for ([`timestamps`](Self::timestamps),
/// [`extra_data_max`](Self::extra_data_max), [`uncles_max`](Self::uncles_max)), and
/// [`verify_header`](Self::verify_header) decides the rest: difficulty, seal, who may seal, the
/// meaning of nonce, mix hash and extra data.
///
/// # Contract
/// - An answer depends on the arguments, on what `ancestry` gives and on how the engine was made;
///   never on a clock, on randomness or on the order in which blocks came. What is kept between
///   calls is a cache. Two nodes with the same blocks then answer alike.
/// - `parent` and `head` are blocks that were verified, with their total difficulty; so are all
///   that `ancestry` gives. Headers to verify come from peers: whatever is in them ends in an
///   error, never in a panic.
/// - Calls come from many threads at once and may block on the disk. They hold up the import of
///   blocks, so none waits for anything else.
/// - A block may be verified and never kept, and verified again later.
pub trait Engine: fmt::Debug + Send + Sync + 'static {
    /// The engine's name, as `--engine` takes it and the store remembers it: a store whose blocks
    /// one engine has checked is not opened with another.
    fn name(&self) -> &'static str;

    /// Which of the chain's rules this engine leaves unchecked, as a clause for the operator, whom
    /// the host tells when it starts. `None` when it checks them all.
    fn unchecked(&self) -> Option<&'static str> {
        None
    }

    /// Whether a block may carry its parent's timestamp.
    fn timestamps(&self) -> Timestamps {
        Timestamps::Increasing
    }

    /// Most bytes of extra data; `None` where [`verify_header`](Self::verify_header) sees to it.
    fn extra_data_max(&self) -> Option<usize> {
        Some(FREE_EXTRA_DATA_MAX)
    }

    /// Most uncles of a block. Each must be a header that [`verify_header`](Self::verify_header)
    /// accepts on its own parent, an ancestor of the block in the second to the seventh generation.
    fn uncles_max(&self) -> usize {
        2
    }

    /// Checks what the engine says of `header`, a child of `parent`.
    ///
    /// # Errors
    /// The first rule broken, or a store that fails.
    fn verify_header(
        &self,
        header: &Header,
        parent: &Head,
        ancestry: &dyn Ancestry,
    ) -> Result<(), VerifyError>;

    /// What is to be kept on disk beside `header`, which is verified, and comes back from
    /// [`Ancestry::engine_state`]. By default nothing.
    ///
    /// # Errors
    /// A store that fails.
    fn state_to_keep(
        &self,
        _header: &Header,
        _ancestry: &dyn Ancestry,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(None)
    }

    /// Which of two heads is preferred: `Greater` when it is `candidate`; with `Equal` the one that
    /// was seen first stays. It must be an order, that is transitive and antisymmetric, or nodes
    /// will not agree on a head. An engine with [finality](Self::finalized) prefers no head that
    /// leaves a final block: the chain follows without asking again.
    ///
    /// By default the larger total difficulty; where it is equal and difficulty is 0, as after the
    /// Merge, the higher block, then the lower hash; otherwise they are equal.
    ///
    /// # Errors
    /// A store that fails.
    fn compare_heads(
        &self,
        candidate: &Head,
        current: &Head,
        _ancestry: &dyn Ancestry,
    ) -> Result<Ordering, StoreError> {
        let weight = candidate.total_difficulty.cmp(&current.total_difficulty);
        let merged = candidate.header.difficulty.is_zero() || current.header.difficulty.is_zero();
        if weight != Ordering::Equal || !merged {
            return Ok(weight);
        }
        let height = candidate.header.number.cmp(&current.header.number);
        Ok(height.then_with(|| current.header.hash().cmp(&candidate.header.hash())))
    }

    /// The highest block, an ancestor of `head` or itself, that the engine's rules make final once
    /// `head` is the head. `None`, the default, where no rule makes a block final.
    ///
    /// # Errors
    /// A store that fails.
    fn finalized(&self, _head: &Head, _ancestry: &dyn Ancestry) -> Result<Option<u64>, StoreError> {
        Ok(None)
    }

    /// Whether `header`, a verified child of `parent`, is executed by the rules of Paris (EIP-3675):
    /// no reward, and randomness in the mix hash. By default when its difficulty is 0.
    fn is_paris(&self, header: &Header, _parent: &Head) -> bool {
        header.difficulty.is_zero()
    }

    /// The account that is paid the fees of a verified block. By default its header's beneficiary.
    ///
    /// # Errors
    /// A header that does not say, which no verified one is.
    fn fee_recipient(&self, header: &Header) -> Result<Address, EngineFault> {
        Ok(header.beneficiary)
    }

    /// What accounts are given at the end of `block`, a verified child of `parent`, beside fees and
    /// withdrawals: the block reward and those of uncles. In the order in which they are paid. By
    /// default none.
    fn credits(&self, _block: &Block, _parent: &Head) -> Vec<Credit> {
        Vec::new()
    }

    /// Who sealed `header`, as far as the header itself tells; `None`, the default, where it does
    /// not, and for genesis. Of a header that is not verified it is a claim and no more.
    fn sealer(&self, _header: &Header) -> Option<Address> {
        None
    }

    /// Whether a verified header was sealed in its sealer's turn; `None`, the default, where there
    /// are no turns.
    fn turn(&self, _header: &Header) -> Option<Turn> {
        None
    }

    /// What a verified header's seal proves. Nothing by default.
    fn seal_proof(&self) -> SealProof {
        SealProof::Nothing
    }

    /// Who may seal after `header`, which is verified, in ascending order; `None`, the default,
    /// where there is no such list.
    ///
    /// # Errors
    /// A store that fails.
    fn sealers(
        &self,
        _header: &Header,
        _ancestry: &dyn Ancestry,
    ) -> Result<Option<Vec<Address>>, StoreError> {
        Ok(None)
    }

    /// Whether and when `signer` may seal on top of `parent`; `now` in seconds since 1970. The
    /// answer holds until there is another head. By default no chain is sealed here.
    ///
    /// # Errors
    /// An engine that does not seal, or a store that fails.
    fn seal_turn(
        &self,
        _parent: &Head,
        _signer: Address,
        _now: u64,
        _ancestry: &dyn Ancestry,
    ) -> Result<SealTurn, SealError> {
        Err(SealError::NotSealable)
    }

    /// Makes `draft` the header of a block that `signer` seals on top of `parent`. Parent,
    /// number and state are filled in; `draft.timestamp` is now, and `draft.beneficiary` the signer.
    /// The engine sets the difficulty, moves the timestamp up where it must, reserves the bytes of
    /// the seal in the extra data, and sets what else it gives a meaning of its own. Gas limit, base fee,
    /// the roots of the body and the fields of the fork are set afterwards, by that timestamp.
    ///
    /// A `vote` that would change nothing, or cannot be cast with this block, is left out.
    ///
    /// # Errors
    /// A signer that may not seal it, an engine that does not seal, or a store that fails.
    fn prepare(
        &self,
        _draft: &mut HeaderFields,
        _parent: &Head,
        _signer: Address,
        _vote: Option<Vote>,
        _ancestry: &dyn Ancestry,
    ) -> Result<Turn, SealError> {
        Err(SealError::NotSealable)
    }

    /// Seals a prepared header with its signer's key.
    ///
    /// # Errors
    /// A header that was not prepared here, or an engine that does not seal.
    fn seal(&self, _prepared: HeaderFields, _key: &AccountKey) -> Result<Header, SealError> {
        Err(SealError::NotSealable)
    }
}

/// What an engine may look at beyond the block before: those in the store, and those before it in
/// the same batch. All of them are verified.
pub trait Ancestry {
    /// A header known here.
    ///
    /// # Errors
    /// A store that fails.
    fn header(&self, hash: &B256) -> Result<Option<Header>, StoreError>;

    /// What the engine asked to be kept beside a block.
    ///
    /// # Errors
    /// A store that fails.
    fn engine_state(&self, hash: &B256) -> Result<Option<Bytes>, StoreError>;
}

/// How a block's timestamp stands to its parent's. Closed on purpose: the chain obeys each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timestamps {
    /// Later than the parent's.
    Increasing,
    /// Not earlier than the parent's.
    NotDecreasing,
}

/// What a verified header's seal proves of its source. Closed on purpose: whoever relays a block
/// before it is imported decides by each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealProof {
    /// Nothing: anybody can make headers that are taken, at no cost.
    Nothing,
    /// That [`Engine::sealer`] made it, who is one of a known few.
    Authorised,
}

/// What an account is given at a block's end.
///
/// Closed on purpose: who and how much, and a credit is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credit {
    /// Who is given it.
    pub account: Address,
    /// How much, in wei.
    pub wei: U256,
}
