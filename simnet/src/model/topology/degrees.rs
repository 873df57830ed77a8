//! Graphs of nodes that each open a number of connections drawn from a table.

use smallvec::SmallVec;

use super::{Graph, quotas};
use crate::engine::draw::{index, shuffle};
use crate::engine::{Concern, Seed, Stream};

/// Draws before the nodes that are left are listed instead.
const DRAWS_MAX: u32 = 64;

/// Each node opens connections to others that it is not yet connected to. How many nodes open how
/// many is as the table says, as exactly as whole nodes allow. A part that is cut off opens one more.
pub(super) fn draw(nodes: u32, cumulative: &[f64], seed: Seed) -> Graph {
    let mut stream = seed.stream(Concern::Topology, 0);
    let mut peers = vec![SmallVec::new(); nodes as usize];
    let mut edges = Vec::new();
    for (node, opens) in (0..).zip(opened(nodes, cumulative, seed)) {
        for _ in 0..opens {
            let Some(peer) = stranger(node, &peers, &mut stream) else { break };
            connect(node, peer, &mut peers, &mut edges);
        }
    }
    let graph = Graph::from_edges(nodes, edges.iter().copied());
    let parts = graph.parts();
    let mut joined = 0;
    for (node, &part) in (0..).zip(&parts) {
        if part > joined {
            // Parts are met in their order, so that all before this one hang together.
            let peer = (0..DRAWS_MAX)
                .map(|_| index(stream.word(), parts.len()))
                .find(|peer| parts.get(*peer).is_some_and(|other| *other < part))
                .unwrap_or(0);
            edges.push((node, peer as u32));
            joined = part;
        }
    }
    if joined == 0 { graph } else { Graph::from_edges(nodes, edges.iter().copied()) }
}

/// How many connections each node opens.
fn opened(nodes: u32, cumulative: &[f64], seed: Seed) -> Vec<u32> {
    let mut before = 0.0;
    let shares: Vec<f64> =
        cumulative.iter().map(|upto| (upto - core::mem::replace(&mut before, *upto)).max(0.0)).collect();
    let quotas = quotas(&shares, nodes);
    let mut opened: Vec<u32> =
        (1..).zip(&quotas).flat_map(|(opens, quota)| core::iter::repeat_n(opens, *quota as usize)).collect();
    shuffle(&mut seed.stream(Concern::Topology, 1), &mut opened);
    opened
}

type Neighbours = SmallVec<[u32; 8]>;

/// A node that `node` is not connected to; `None` where it is connected to all.
fn stranger(node: u32, peers: &[Neighbours], stream: &mut Stream) -> Option<u32> {
    let mine = peers.get(node as usize)?;
    let strange = |peer: &u32| *peer != node && !mine.contains(peer);
    (0..DRAWS_MAX).map(|_| index(stream.word(), peers.len()) as u32).find(strange).or_else(|| {
        let left: Vec<u32> = (0..peers.len() as u32).filter(strange).collect();
        left.get(index(stream.word(), left.len())).copied()
    })
}

fn connect(one: u32, other: u32, peers: &mut [Neighbours], edges: &mut Vec<(u32, u32)>) {
    for (from, to) in [(one, other), (other, one)] {
        peers.get_mut(from as usize).into_iter().for_each(|peers| peers.push(to));
    }
    edges.push((one, other));
}
