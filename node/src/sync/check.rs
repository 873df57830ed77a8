//! What must hold of headers and bodies before anything is imported.

use std::collections::VecDeque;

use alloy_primitives::B256;
use herald_proto::{Block, Body, Header};

use crate::network::RequestFailure;

/// What a peer did that ended its turn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(prefix = "sync_", serialize_all = "snake_case")]
#[non_exhaustive]
pub enum SyncFault {
    /// It did not answer, or refused to.
    #[error("no answer: {0}")]
    NoAnswer(RequestFailure),
    /// It does not have the head that it named.
    #[error("it does not have the head that it named")]
    HeadUnknown,
    /// It answered with another block than asked for.
    #[error("it answered with another block than was asked for")]
    WrongHeader,
    /// Headers that do not follow each other.
    #[error("headers that do not follow each other")]
    BrokenLink,
    /// It had no headers, or no bodies, below the head that it named.
    #[error("an empty answer below the head that it named")]
    Empty,
    /// A body that belongs to none of the headers asked for.
    #[error("a body that belongs to none of its headers")]
    WrongBody,
    /// A block that breaks a rule.
    #[error("a block that breaks a rule: {0}")]
    InvalidBlock(&'static str),
    /// Its chain leaves ours below what is final here. Nobody's lie, and of no use to us.
    #[error("its chain leaves ours below the finalized block")]
    BelowFinality,
}

impl SyncFault {
    /// A short name, fit for a metric's label: the variant's after `sync_`.
    #[must_use]
    pub fn label(&self) -> &'static str {
        self.into()
    }

    /// Whether only a lie explains it. The rest may be a slow line, a reorganisation in between, or
    /// another view of what is final.
    #[must_use]
    pub fn is_lie(&self) -> bool {
        match self {
            Self::WrongHeader | Self::BrokenLink | Self::WrongBody | Self::InvalidBlock(_) => true,
            Self::NoAnswer(_) | Self::HeadUnknown | Self::Empty | Self::BelowFinality => false,
        }
    }
}

/// The block that the next header must follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ExpectedParent {
    pub(super) number: u64,
    pub(super) hash: B256,
}

/// Checks that `headers` follow `parent` and each other.
pub(super) fn follow(parent: ExpectedParent, headers: &[Header]) -> Result<(), SyncFault> {
    let mut parent = parent;
    for header in headers {
        let (fields, expected) = (header.fields(), parent.number.checked_add(1));
        if fields.parent_hash != parent.hash || Some(fields.number) != expected {
            return Err(SyncFault::BrokenLink);
        }
        parent = ExpectedParent { number: fields.number, hash: header.hash() };
    }
    Ok(())
}

/// Whether `headers` go on at the height after `parent`, but on another block there.
pub(super) fn starts_another_branch(parent: ExpectedParent, headers: &[Header]) -> bool {
    headers.first().is_some_and(|first| {
        let fields = first.fields();
        Some(fields.number) == parent.number.checked_add(1) && fields.parent_hash != parent.hash
    })
}

/// Headers of one batch, and the bodies that have come for them.
#[derive(Debug)]
pub(super) struct BlockBatch {
    blocks: VecDeque<(Header, Option<Body>)>,
}

impl BlockBatch {
    /// Bodies that are empty by their header's commitments are not asked for.
    pub(super) fn new(headers: Vec<Header>) -> Self {
        let with_body = |header: Header| {
            let body = Body::empty_for(&header.body_commitment());
            (header, body)
        };
        Self { blocks: headers.into_iter().map(with_body).collect() }
    }

    /// The first blocks whose bodies are missing.
    pub(super) fn missing(&self, limit: usize) -> Vec<B256> {
        let missing = self.blocks.iter().filter(|(_, body)| body.is_none());
        missing.take(limit).map(|(header, _)| header.hash()).collect()
    }

    /// Puts each body with its header. They come in the order of the headers, some left out.
    pub(super) fn fill(&mut self, bodies: Vec<Body>) -> Result<(), SyncFault> {
        if bodies.is_empty() {
            return Err(SyncFault::Empty);
        }
        let mut without = self.blocks.iter_mut().filter(|(_, body)| body.is_none());
        for body in bodies {
            let commitment = body.commitment();
            let block = without.find(|(header, _)| header.body_commitment() == commitment);
            block.ok_or(SyncFault::WrongBody)?.1 = Some(body);
        }
        Ok(())
    }

    /// Takes the whole blocks from the front, up to `blocks` of them and until `bytes` are passed.
    pub(super) fn take_whole(&mut self, blocks: usize, bytes: usize) -> Vec<Block> {
        let (mut taken, mut size) = (Vec::new(), 0_usize);
        while taken.len() < blocks && size < bytes {
            match self.blocks.pop_front() {
                Some((header, Some(body))) => {
                    let block = Block::new(header, body);
                    size = size.saturating_add(block.retained_bytes());
                    taken.push(block);
                }
                Some(waiting) => {
                    self.blocks.push_front(waiting);
                    break;
                }
                None => break,
            }
        }
        taken
    }

    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_the_variants_names_after_sync() {
        assert_eq!(SyncFault::NoAnswer(RequestFailure::Timeout).label(), "sync_no_answer");
        assert_eq!(SyncFault::InvalidBlock("uncles").label(), "sync_invalid_block");
    }
}
