//! What the terminal shows of a devnet.

use std::fmt::{self, Write as _};
use std::time::Duration;

use super::Devnet;
use herald_chain::BlockNumHash;
use herald_chain::engine::Turn;

/// News worth a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BlockLine {
    /// A block has reached every node.
    Block {
        block: BlockNumHash,
        /// Who sealed it, where that can be told.
        sealed: Option<SealedBy>,
        /// How many nodes there are.
        nodes: usize,
        /// From its first node to its last.
        reached: Duration,
    },
    /// A node moved onto another branch.
    Reorg {
        /// Which node.
        node: String,
        /// How many blocks it left.
        depth: u64,
        /// Its head now.
        head: BlockNumHash,
    },
}

/// Who sealed a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SealedBy {
    /// The node's name.
    pub by: String,
    /// Whether it was its turn; `None` where there are no turns.
    pub turn: Option<Turn>,
}

impl fmt::Display for BlockLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block { block, sealed, nodes, reached } => {
                write!(f, "block {:<6} {}", block.number, block.hash)?;
                if let Some(sealed) = sealed {
                    let turn = if sealed.turn == Some(Turn::OutOfTurn) { " (out of turn)" } else { "" };
                    write!(f, "  sealed by {}{turn}", sealed.by)?;
                }
                match nodes {
                    1 => Ok(()),
                    _ => write!(
                        f,
                        ", at the last of {nodes} nodes after {:.1} ms",
                        reached.as_secs_f64() * 1e3
                    ),
                }
            }
            Self::Reorg { node, depth, head } => {
                write!(
                    f,
                    "{node} left {depth} blocks for another branch, and is at block {} {}",
                    head.number, head.hash
                )
            }
        }
    }
}

/// What is shown once all nodes answer.
#[must_use]
pub(crate) fn banner(devnet: &Devnet<'_>, kept: DatadirFate) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_banner(&mut text, devnet, kept);
    text
}

/// What becomes of the data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DatadirFate {
    /// It stays: the devnet can go on.
    Stays,
    /// It is removed at the end.
    Removed,
}

fn write_banner(text: &mut String, devnet: &Devnet<'_>, kept: DatadirFate) -> fmt::Result {
    let (parameters, info) = (devnet.parameters(), devnet.info());
    writeln!(
        text,
        "Herald devnet: chain id {}, {} nodes, a block every {} s",
        parameters.chain_id, parameters.nodes, parameters.block_time
    )?;
    writeln!(text, "genesis  {}", info.genesis)?;
    let fate = match kept {
        DatadirFate::Stays => "kept: started again there, it goes on",
        DatadirFate::Removed => "removed at the end; --datadir keeps one",
    };
    writeln!(text, "data     {} ({fate})", devnet.datadir().display())?;
    if let Some(in_use) = devnet.ports_in_use() {
        writeln!(text, "ports    {in_use}")?;
    }
    writeln!(text, "\nAccounts with money. Their keys are public: for development only.")?;
    for account in &info.accounts {
        writeln!(text, "  {}  key {}", account.address, account.private_key)?;
    }
    writeln!(text, "\n{:<8} {:<54} JSON-RPC", "node", "peer id")?;
    for node in &info.nodes {
        writeln!(text, "{:<8} {:<54} {}", node.name, node.peer_id, node.rpc)?;
        for address in &node.multiaddrs {
            writeln!(text, "{:<8} {address}", "")?;
        }
        writeln!(text, "{:<8} log {}", "", node.log.display())?;
    }
    writeln!(text)
}
