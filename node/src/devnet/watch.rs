//! How long a block takes from its first node to its last.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::{Address, B256};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::layout::NodeFiles;
use super::report::{BlockLine, SealedBy};
use herald_chain::{BlockNumHash, Chain, ChainEvent};

/// Imports that wait to be looked at.
const IMPORTS_WAITING: usize = 256;
/// Blocks that some nodes have and others not; the lowest is given up.
const UNDERWAY_MAX: usize = 1024;

/// Sees what each node imports.
#[derive(Debug)]
pub(super) struct ArrivalWatch {
    names: Vec<(Address, String)>,
    chains: Vec<Chain>,
    sender: mpsc::Sender<NodeImport>,
    imports: mpsc::Receiver<NodeImport>,
    underway: BTreeMap<(u64, B256), Sighting>,
    ready: Vec<BlockLine>,
}

#[derive(Debug)]
struct NodeImport {
    node: usize,
    at: Instant,
    event: Arc<ChainEvent>,
}

#[derive(Clone, Copy, Debug)]
struct Sighting {
    first: Instant,
    nodes: usize,
}

impl ArrivalWatch {
    pub(super) fn new(nodes: &[NodeFiles]) -> Self {
        let (sender, imports) = mpsc::channel(IMPORTS_WAITING);
        let names = nodes.iter().map(|node| (node.signer.address(), node.name.clone())).collect();
        Self { names, chains: Vec::new(), sender, imports, underway: BTreeMap::new(), ready: Vec::new() }
    }

    /// Watches the next node's chain.
    pub(super) fn add(&mut self, chain: &Chain) {
        let (node, mut events, sender) = (self.chains.len(), chain.events(), self.sender.clone());
        self.chains.push(chain.clone());
        // Ends when nobody looks any more.
        tokio::spawn(async move {
            loop {
                let event = tokio::select! {
                    () = sender.closed() => return,
                    event = events.recv() => event,
                };
                match event {
                    Ok(event) => {
                        let import = NodeImport { node, at: Instant::now(), event };
                        if sender.send(import).await.is_err() {
                            return;
                        }
                    }
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                }
            }
        });
    }

    /// The next thing to tell. Cancel-safe.
    pub(super) async fn next(&mut self) -> BlockLine {
        loop {
            if let Some(line) = self.ready.pop() {
                return line;
            }
            match self.imports.recv().await {
                Some(import) => self.look_at(&import),
                None => unreachable!("a sender is kept here"),
            }
        }
    }

    fn look_at(&mut self, import: &NodeImport) {
        for block in &import.event.canonical {
            self.sighted(*block, import.at);
        }
        if let Some(reorg) = &import.event.reorg {
            self.ready.push(BlockLine::Reorg {
                node: self.names.get(import.node).map(|(_, name)| name.clone()).unwrap_or_default(),
                depth: reorg.depth,
                head: reorg.new_head,
            });
        }
        // Lines are taken from the end.
        self.ready.reverse();
    }

    fn sighted(&mut self, block: BlockNumHash, at: Instant) {
        let key = (block.number, block.hash);
        let sighting = self.underway.entry(key).or_insert(Sighting { first: at, nodes: 0 });
        sighting.nodes += 1;
        if sighting.nodes < self.chains.len() {
            if self.underway.len() > UNDERWAY_MAX {
                self.underway.pop_first();
            }
            return;
        }
        let reached = at.saturating_duration_since(sighting.first);
        self.underway.remove(&key);
        let sealed = self.sealed(&block.hash);
        self.ready.push(BlockLine::Block { block, sealed, nodes: self.chains.len(), reached });
    }

    /// Who sealed a block, from whichever node has it.
    fn sealed(&self, hash: &B256) -> Option<SealedBy> {
        let chain = self.chains.first()?;
        // Near the head, so from memory.
        let header = chain.header(hash).ok()??;
        let sealer = chain.sealer(&header)?;
        let name = self.names.iter().find(|(address, _)| *address == sealer);
        Some(SealedBy {
            by: name.map_or_else(|| sealer.to_string(), |(_, name)| name.clone()),
            turn: chain.turn(&header),
        })
    }
}
