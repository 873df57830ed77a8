//! The signers, who of them signed last, and the votes, as they stand after a block.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use alloy_primitives::{Address, B256};
use herald_proto::HeaderFields;
use serde::{Deserialize, Serialize};

use super::{CliqueFault, NONCE_ADD};
use crate::engine::{Turn, Vote, VoteKind};

/// The state of the voting after a block. Plain values: nothing here looks anything up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    number: u64,
    hash: B256,
    signers: BTreeSet<Address>,
    /// Who signed which of the last blocks.
    recents: BTreeMap<u64, Address>,
    /// Open votes in the order they were cast. Shared between snapshots, since most blocks carry
    /// none.
    votes: Arc<Vec<OpenVote>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct OpenVote {
    signer: Address,
    vote: Vote,
}

impl Snapshot {
    /// Where a chain starts: signers, and no votes.
    #[must_use]
    pub fn new(number: u64, hash: B256, signers: impl IntoIterator<Item = Address>) -> Self {
        Self {
            number,
            hash,
            signers: signers.into_iter().collect(),
            recents: BTreeMap::new(),
            votes: Arc::default(),
        }
    }

    /// The signers in ascending order.
    pub fn signers(&self) -> impl ExactSizeIterator<Item = &Address> {
        self.signers.iter()
    }

    /// Whether a vote would change anything: it adds one who is no signer, or drops one who is.
    #[must_use]
    pub fn is_meaningful(&self, vote: Vote) -> bool {
        match vote.kind {
            VoteKind::Add => !self.signers.contains(&vote.subject),
            VoteKind::Drop => self.signers.contains(&vote.subject),
        }
    }

    /// A signer signs at most one of this many blocks in a row: half of them and one.
    #[must_use]
    pub fn sign_again_after(&self) -> u64 {
        self.signers.len() as u64 / 2 + 1
    }

    /// Whether `signer` may sign block `number`, the next, and whether it is its turn.
    ///
    /// # Errors
    /// One who is no signer, or has signed too recently.
    pub fn turn(&self, number: u64, signer: Address) -> Result<Turn, CliqueFault> {
        let index = self.index_of(signer).ok_or(CliqueFault::Unauthorised { signer })?;
        let limit = self.sign_again_after();
        let last = self.recents.iter().rev().find(|(_, recent)| **recent == signer);
        if let Some((last, _)) = last {
            let until = last.saturating_add(limit);
            if until > number {
                return Err(CliqueFault::RecentlySigned { signer, until });
            }
        }
        let in_turn = number.checked_rem(self.signers.len() as u64) == Some(index);
        Ok(if in_turn { Turn::InTurn } else { Turn::OutOfTurn })
    }

    /// EIP-3436's `(number - index) % count`, 0 for a block in turn.
    #[must_use]
    pub fn blocks_since_turn(&self, number: u64, signer: Address) -> u64 {
        // One whom its own block voted out has no index any more.
        let index = self.index_of(signer).unwrap_or_default();
        let count = self.signers.len() as u64;
        number.saturating_add(count).saturating_sub(index).checked_rem(count).unwrap_or_default()
    }

    /// The state after `header`, signed by `signer`.
    ///
    /// # Errors
    /// A signer that may not sign it.
    pub fn apply(&self, header: &HeaderFields, signer: Address, epoch: u64) -> Result<Self, CliqueFault> {
        let number = header.number;
        self.turn(number, signer)?;
        let mut next = self.clone();
        next.number = number;
        if number.is_multiple_of(epoch) {
            next.votes = Arc::default();
        }
        next.forget_recents(number);
        next.recents.insert(number, signer);
        let kind = if header.nonce == NONCE_ADD { VoteKind::Add } else { VoteKind::Drop };
        next.cast(signer, Vote { subject: header.beneficiary, kind });
        // Even a vote that was not cast touches its subject: what others wish may have become the
        // majority's wish meanwhile, with fewer signers.
        if let Some(vote) = next.majority_on(header.beneficiary) {
            next.enact(vote);
        }
        Ok(next)
    }

    fn index_of(&self, signer: Address) -> Option<u64> {
        self.signers.iter().position(|other| *other == signer).map(|index| index as u64)
    }

    /// Lets those sign again whose last block is far enough behind `number`.
    fn forget_recents(&mut self, number: u64) {
        let limit = self.sign_again_after();
        self.recents.retain(|last, _| last.saturating_add(limit) > number);
    }

    /// A signer has one vote on each subject, its last.
    fn cast(&mut self, signer: Address, vote: Vote) {
        self.discard(|open| open.signer == signer && open.vote.subject == vote.subject);
        if self.is_meaningful(vote) {
            Arc::make_mut(&mut self.votes).push(OpenVote { signer, vote });
        }
    }

    /// What more than half of the signers wish for `subject`. All open votes on it ask for the
    /// same, since they end with its change of status.
    fn majority_on(&self, subject: Address) -> Option<Vote> {
        let mut votes = self.votes.iter().filter(|open| open.vote.subject == subject);
        let vote = votes.next()?.vote;
        (1 + votes.count() > self.signers.len() / 2).then_some(vote)
    }

    fn enact(&mut self, vote: Vote) {
        match vote.kind {
            VoteKind::Add => {
                self.signers.insert(vote.subject);
            }
            VoteKind::Drop => {
                self.signers.remove(&vote.subject);
                self.discard(|open| open.signer == vote.subject);
            }
        }
        self.discard(|open| open.vote.subject == vote.subject);
    }

    fn discard(&mut self, ends: impl Fn(&OpenVote) -> bool) {
        if self.votes.iter().any(&ends) {
            Arc::make_mut(&mut self.votes).retain(|open| !ends(open));
        }
    }
}
