//! A chain under an engine that the caller made: each answer of the trait reaches the chain.

use std::cmp::Ordering;
use std::path::Path;
use std::sync::Arc;

use alloy_primitives::Address;
use herald_proto::{Block, Header};

use crate::chain::{BlockError, Chain, ChainOptions, OpenError, PrepareError, Rule};
use crate::engine::{Ancestry, Engine, EngineChoice, Fault, Timestamps, VerifyError};
use crate::genesis::Genesis;
use crate::head::Head;
use crate::store::{StoreError, StoreOpenError};
use crate::testkit::{child, clock, line, trusted_genesis};

/// Counts the marked blocks of a branch in its kept state; all but the last two blocks are final.
#[derive(Debug)]
struct Marks;

/// What a marked block has as its extra data.
const MARK: u8 = 7;

#[derive(Debug, thiserror::Error)]
#[error("the total difficulty before it is odd")]
struct Odd;

impl Fault for Odd {
    fn label(&self) -> &'static str {
        "odd"
    }
}

impl Marks {
    fn marks(&self, header: &Header, ancestry: &dyn Ancestry) -> Result<u8, StoreError> {
        let kept = ancestry.engine_state(&header.hash())?;
        Ok(kept.and_then(|state| state.first().copied()).unwrap_or_default())
    }
}

impl Engine for Marks {
    fn name(&self) -> &'static str {
        "marks"
    }

    fn timestamps(&self) -> Timestamps {
        Timestamps::NotDecreasing
    }

    fn verify_header(&self, _: &Header, parent: &Head, _: &dyn Ancestry) -> Result<(), VerifyError> {
        if parent.total_difficulty.bit(0) { Err(Odd.into()) } else { Ok(()) }
    }

    fn state_to_keep(&self, header: &Header, ancestry: &dyn Ancestry) -> Result<Option<Vec<u8>>, StoreError> {
        let parent = ancestry.header(&header.parent_hash)?.expect("parents come first");
        let mark = u8::from(header.extra_data.first() == Some(&MARK));
        Ok(Some(vec![self.marks(&parent, ancestry)? + mark]))
    }

    fn compare_heads(
        &self,
        candidate: &Head,
        current: &Head,
        ancestry: &dyn Ancestry,
    ) -> Result<Ordering, StoreError> {
        Ok(self.marks(&candidate.header, ancestry)?.cmp(&self.marks(&current.header, ancestry)?))
    }

    fn finalized(&self, head: &Head, _: &dyn Ancestry) -> Result<Option<u64>, StoreError> {
        Ok(head.header.number.checked_sub(2))
    }
}

fn open_marks(directory: &Path, genesis: &Genesis) -> Chain {
    let options = ChainOptions { clock: clock(), ..ChainOptions::default() };
    Chain::open(directory, genesis.clone(), EngineChoice::Given(Arc::new(Marks)), options).unwrap()
}

#[test]
fn its_state_decides_the_head_and_its_finality_is_the_chains() {
    let directory = tempfile::tempdir().unwrap();
    let genesis = trusted_genesis("");
    let marked = line(genesis.header(), 4, MARK);
    let last = &marked[3].header;
    {
        let chain = open_marks(directory.path(), &genesis);
        assert_eq!((chain.engine().name(), chain.finalized()), ("marks", 0));
        // Longer and heavier, but with no marks: it stays a side branch.
        let heavy = line(genesis.header(), 6, 1);
        chain.import(&heavy).unwrap();
        assert_eq!(chain.head().header, *genesis.header());
        chain.import(&marked).unwrap();
        assert_eq!((&chain.head().header, chain.finalized()), (last, 2));
    }
    // State and finality are there again after a restart.
    let chain = open_marks(directory.path(), &genesis);
    assert_eq!((&chain.head().header, chain.finalized()), (last, 2));
    chain.import(&line(last, 1, MARK)).unwrap();
    assert_eq!(chain.finalized(), 3);
}

#[test]
fn its_rules_and_faults_are_the_chains() {
    let directory = tempfile::tempdir().unwrap();
    let genesis = trusted_genesis("");
    let chain = open_marks(directory.path(), &genesis);
    let same_time = child(genesis.header(), |fields| fields.timestamp = genesis.header().timestamp);
    chain.import(std::slice::from_ref(&same_time)).unwrap();
    // The parent's total difficulty is given to it, in a batch as well.
    let odd = child(genesis.header(), |fields| fields.difficulty = alloy_primitives::U256::ONE);
    let refused = child(&odd.header, |_| {});
    let stopped = chain.import(&[odd, refused]).unwrap_err();
    assert_eq!(stopped.index, 1);
    let BlockError::Broken(rule) = stopped.error else { panic!("{stopped}") };
    assert_eq!((*rule.clone(), rule.label()), (Rule::Engine(Odd.into()), "odd"));
    assert_eq!(rule.to_string(), "odd: the total difficulty before it is odd");
}

#[test]
fn what_it_does_not_say_is_not_made_up() {
    let directory = tempfile::tempdir().unwrap();
    let genesis = trusted_genesis("");
    let chain = open_marks(directory.path(), &genesis);
    let block: Block = child(genesis.header(), |_| {});
    assert_eq!(chain.sealer(&block.header), None);
    assert_eq!(chain.sealers(genesis.header()).unwrap(), None);
    let error = chain.prepare(genesis.header(), Address::ZERO, Vec::new(), None).unwrap_err();
    assert!(matches!(error, PrepareError::NotSealable { engine: "marks" }), "{error}");
    let unknown = chain.seal_turn(&block.header, Address::ZERO).unwrap_err();
    assert!(matches!(unknown, PrepareError::UnknownParent { .. }), "{unknown}");
    chain.import(&line(genesis.header(), 2, 1)).unwrap();
    drop(chain);
    // Its blocks are not for another engine to build on.
    let options = ChainOptions { clock: clock(), ..ChainOptions::default() };
    let other = Chain::open(directory.path(), genesis, EngineChoice::Auto, options).unwrap_err();
    assert!(matches!(other, OpenError::Store(StoreOpenError::OtherEngine { .. })), "{other}");
}
