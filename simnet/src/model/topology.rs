//! Who is connected to whom, and where each node is.

mod degrees;
mod regular;

use core::ops::Range;

use super::chain::NodeId;
use crate::engine::draw::shuffle;
use crate::engine::{Concern, Seed};
use crate::scenario::{Scenario, ScenarioError, Topology};

/// Who is connected to whom. Each connection is two links, one in each direction; the links of a
/// node stand together, so that a link's number says both ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    /// Where the links of each node begin, and at the end how many there are.
    pub first: Vec<u32>,
    /// Where each link leads to.
    pub to: Vec<NodeId>,
    /// The link back.
    pub reverse: Vec<u32>,
}

impl Graph {
    /// The scenario's topology, drawn from its seed.
    ///
    /// Random regular graphs and those from degrees are connected; whether the edges of a file are
    /// is the file's affair.
    ///
    /// # Errors
    /// [`ScenarioError::NoGraph`] where no random regular graph was found in many tries; what
    /// [`Scenario::check`] refuses must not come here.
    pub fn of(scenario: &Scenario) -> Result<Self, ScenarioError> {
        let nodes = scenario.nodes;
        let seed = Seed::new(scenario.seed);
        match &scenario.topology {
            Topology::RandomRegular { degree } => {
                let mut stream = seed.stream(Concern::Topology, 0);
                regular::draw(nodes, *degree, &mut stream)
                    .ok_or(ScenarioError::NoGraph { nodes, degree: *degree })
            }
            Topology::Degrees { cumulative } => Ok(degrees::draw(nodes, cumulative, seed)),
            Topology::Line => Ok(Self::from_edges(nodes, (1..nodes).map(|node| (node - 1, node)))),
            Topology::Star => Ok(Self::from_edges(nodes, (1..nodes).map(|node| (0, node)))),
            Topology::Edges { edges } => Ok(Self::from_edges(nodes, edges.iter().copied())),
        }
    }

    /// A graph with these connections, each given once; a node's links are in their order.
    #[expect(clippy::indexing_slicing, reason = "ends are below `nodes`, and `next` counts what was given")]
    fn from_edges(nodes: u32, edges: impl Iterator<Item = (u32, u32)> + Clone) -> Self {
        let mut first = vec![0_u32; nodes as usize + 1];
        for node in edges.clone().flat_map(|(from, to)| [from, to]) {
            first[node as usize + 1] += 1;
        }
        for node in 0..nodes as usize {
            first[node + 1] += first[node];
        }
        let links = first[nodes as usize] as usize;
        let mut next = first.clone();
        let mut to = vec![NodeId::new(0); links];
        let mut reverse = vec![0_u32; links];
        for (one, other) in edges {
            let (there, back) = (next[one as usize], next[other as usize]);
            next[one as usize] += 1;
            next[other as usize] += 1;
            to[there as usize] = NodeId::new(other);
            to[back as usize] = NodeId::new(one);
            reverse[there as usize] = back;
            reverse[back as usize] = there;
        }
        Self { first, to, reverse }
    }

    /// How many nodes there are.
    pub fn nodes(&self) -> usize {
        self.first.len().saturating_sub(1)
    }

    /// How many links there are: twice the connections.
    pub fn links(&self) -> usize {
        self.to.len()
    }

    /// The links of a node; none for a node that is not there.
    pub fn links_of(&self, node: NodeId) -> Range<u32> {
        match self.first.get(node.index()..).unwrap_or_default() {
            [from, to, ..] => *from..*to,
            [_] | [] => 0..0,
        }
    }

    /// The peers of a node, in the order of its links.
    pub fn peers(&self, node: NodeId) -> &[NodeId] {
        let links = self.links_of(node);
        self.to.get(links.start as usize..links.end as usize).unwrap_or_default()
    }

    /// The most peers that any node has.
    pub fn degree_max(&self) -> u32 {
        self.first.array_windows().map(|[from, to]| to - from).max().unwrap_or(0)
    }

    /// For each node, in which part of the graph it is; parts are counted from 0, in the order of
    /// their lowest nodes. A connected graph is part 0 alone.
    #[expect(clippy::indexing_slicing, reason = "links lead to nodes that there are")]
    pub fn parts(&self) -> Vec<u32> {
        let mut parts = vec![u32::MAX; self.nodes()];
        let mut open = Vec::new();
        let mut count = 0;
        for start in 0..self.nodes() {
            if parts[start] != u32::MAX {
                continue;
            }
            parts[start] = count;
            open.push(NodeId::new(start as u32));
            while let Some(node) = open.pop() {
                for &peer in self.peers(node) {
                    if parts[peer.index()] == u32::MAX {
                        parts[peer.index()] = count;
                        open.push(peer);
                    }
                }
            }
            count += 1;
        }
        parts
    }
}

/// The region of each node: the shares as exactly as whole nodes allow, in an order drawn from the
/// seed.
pub fn regions(scenario: &Scenario) -> Vec<u8> {
    let mut stream = Seed::new(scenario.seed).stream(Concern::Regions, 0);
    let quotas = quotas(&scenario.regions.shares, scenario.nodes);
    let mut regions: Vec<u8> = (0..)
        .zip(&quotas)
        .flat_map(|(region, quota)| core::iter::repeat_n(region, *quota as usize))
        .collect();
    shuffle(&mut stream, &mut regions);
    regions
}

/// Shares of `total` in whole numbers that come to it: rounded down, and what is left goes to the
/// largest remainders.
fn quotas(shares: &[f64], total: u32) -> Vec<u32> {
    let sum: f64 = shares.iter().sum();
    let exact: Vec<f64> = shares.iter().map(|share| share / sum * f64::from(total)).collect();
    let mut quotas: Vec<u32> = exact.iter().map(|exact| *exact as u32).collect();
    let mut by_remainder: Vec<usize> = (0..shares.len()).collect();
    let remainder = |index: &usize| exact.get(*index).map_or(0.0, |exact| exact - f64::from(*exact as u32));
    by_remainder.sort_by(|one, other| remainder(other).total_cmp(&remainder(one)));
    let left = total.saturating_sub(quotas.iter().sum());
    for index in by_remainder.into_iter().cycle().take(left as usize) {
        quotas.get_mut(index).into_iter().for_each(|quota| *quota += 1);
    }
    quotas
}

#[cfg(test)]
mod tests;
