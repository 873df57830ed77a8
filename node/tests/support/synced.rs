//! A chain in memory with branches, which range sync can fill.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use alloy_primitives::{B256, U256};
use herald_node::sync::{ImportFault, SyncChain, SyncHead};
use herald_proto::Block;

/// All blocks weigh the same, so the longest branch is canonical; at equal length the first.
#[derive(Debug)]
pub struct SyncedChain {
    state: Mutex<State>,
    pub finalized: u64,
    /// A block that this chain's rules refuse.
    pub refused: Option<B256>,
}

#[derive(Debug, Default)]
struct State {
    blocks: BTreeMap<B256, Block>,
    head: Option<Block>,
    imports: usize,
}

impl SyncedChain {
    pub fn new(blocks: &[Block]) -> Self {
        let state = State {
            blocks: blocks.iter().map(|block| (block.hash(), block.clone())).collect(),
            head: blocks.last().cloned(),
            imports: 0,
        };
        Self { state: Mutex::new(state), finalized: 0, refused: None }
    }

    pub fn shared(blocks: &[Block]) -> Arc<Self> {
        Arc::new(Self::new(blocks))
    }

    pub fn head_hash(&self) -> B256 {
        self.state.lock().unwrap().head.as_ref().unwrap().hash()
    }

    /// The number of the head.
    pub fn number(&self) -> u64 {
        self.head().number
    }

    pub fn imports(&self) -> usize {
        self.state.lock().unwrap().imports
    }
}

impl SyncChain for SyncedChain {
    fn contains(&self, hash: &B256) -> bool {
        self.state.lock().unwrap().blocks.contains_key(hash)
    }

    fn head(&self) -> SyncHead {
        let number = self.state.lock().unwrap().head.as_ref().unwrap().number();
        SyncHead { number, total_difficulty: U256::from(number + 1) }
    }

    fn finalized(&self) -> u64 {
        self.finalized
    }

    fn import(&self, blocks: Vec<Block>) -> Result<(), ImportFault> {
        let mut state = self.state.lock().unwrap();
        state.imports += 1;
        for block in blocks {
            let number = block.number();
            let parent = block.header.fields().parent_hash;
            assert!(state.blocks.contains_key(&parent), "parents come first");
            assert!(block.body_matches(), "sync matches bodies");
            if self.refused == Some(block.hash()) {
                return Err(ImportFault::Invalid { number, rule: "refused" });
            }
            if number > state.head.as_ref().unwrap().number() {
                state.head = Some(block.clone());
            }
            state.blocks.insert(block.hash(), block);
        }
        Ok(())
    }
}
