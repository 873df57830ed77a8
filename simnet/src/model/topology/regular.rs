//! Random regular graphs: half-edges are paired at random (the configuration model), and pairs that
//! make a loop or a second connection are mended by swapping partners with another pair.
//!
//! Swaps lean a little towards some graphs; for a network of peers that is of no account.

#![allow(clippy::indexing_slicing, reason = "every index is a node's or a half-edge's own number, made here")]

use super::Graph;
use crate::engine::Stream;
use crate::engine::draw::{index, shuffle};
use crate::model::chain::NodeId;

/// Fresh pairings before giving up; only tiny graphs ever need a second.
const PAIRINGS_MAX: u32 = 200;
/// Partners tried for one bad pair. In a graph where each node has less than half of the others as
/// peers, any partner does with a probability that does not shrink with the graph.
const PARTNERS_MAX: u32 = 2_000;

/// A connected graph in which each node has `degree` peers, the last one less where the product is
/// odd.
pub(super) fn draw(nodes: u32, degree: u32, stream: &mut Stream) -> Option<Graph> {
    let mut degrees = vec![degree; nodes as usize];
    if nodes % 2 == 1 && degree % 2 == 1 {
        *degrees.last_mut()? -= 1;
    }
    // Where there are few gaps it is the gaps that are drawn. Such graphs are always connected: two
    // parts would need more than half of the nodes each.
    if u64::from(degree) * 2 >= u64::from(nodes) {
        let gaps: Vec<u32> = degrees.iter().map(|degree| nodes - 1 - degree).collect();
        return Some(complement(&attempts(&gaps, stream, |_| true)?));
    }
    attempts(&degrees, stream, Pairing::connect).map(Pairing::into_graph)
}

fn attempts(degrees: &[u32], stream: &mut Stream, accept: fn(&mut Pairing) -> bool) -> Option<Pairing> {
    (0..PAIRINGS_MAX).find_map(|_| {
        let mut pairing = Pairing::shuffled(degrees, stream);
        (pairing.mend(stream) && accept(&mut pairing)).then_some(pairing)
    })
}

/// All connections that `gaps` has not.
fn complement(gaps: &Pairing) -> Graph {
    let nodes = gaps.first.len() as u32 - 1;
    let mut edges = Vec::new();
    let mut gap_with = vec![u32::MAX; nodes as usize];
    for node in 0..nodes {
        for half in gaps.halves(node) {
            gap_with[gaps.peer(half) as usize] = node;
        }
        edges.extend(
            (node + 1..nodes).filter(|peer| gap_with[*peer as usize] != node).map(|peer| (node, peer)),
        );
    }
    Graph::from_edges(nodes, edges.iter().copied())
}

/// Half-edges, each with its partner: a graph in which loops and double connections may still be.
struct Pairing {
    /// Where each node's half-edges begin.
    first: Vec<u32>,
    /// Whose each half-edge is.
    owner: Vec<u32>,
    /// Its other half.
    mate: Vec<u32>,
}

impl Pairing {
    fn shuffled(degrees: &[u32], stream: &mut Stream) -> Self {
        let mut first = Vec::with_capacity(degrees.len() + 1);
        let mut owner = Vec::new();
        for (node, degree) in (0..).zip(degrees) {
            first.push(owner.len() as u32);
            owner.resize(owner.len() + *degree as usize, node);
        }
        first.push(owner.len() as u32);
        let mut order: Vec<u32> = (0..owner.len() as u32).collect();
        shuffle(stream, &mut order);
        let mut mate = vec![0; owner.len()];
        for [one, other] in order.as_chunks().0 {
            mate[*one as usize] = *other;
            mate[*other as usize] = *one;
        }
        Self { first, owner, mate }
    }

    fn halves(&self, node: u32) -> core::ops::Range<u32> {
        self.first[node as usize]..self.first[node as usize + 1]
    }

    /// Where a half-edge leads to.
    fn peer(&self, half: u32) -> u32 {
        self.owner[self.mate[half as usize] as usize]
    }

    fn connected(&self, one: u32, other: u32) -> bool {
        let (few, many) =
            if self.halves(one).len() <= self.halves(other).len() { (one, other) } else { (other, one) };
        self.halves(few).any(|half| self.peer(half) == many)
    }

    fn is_bad(&self, half: u32) -> bool {
        let (node, peer) = (self.owner[half as usize], self.peer(half));
        node == peer || self.halves(node).any(|other| other != half && self.peer(other) == peer)
    }

    /// Swaps partners until there are no loops and no double connections; false where it got stuck.
    fn mend(&mut self, stream: &mut Stream) -> bool {
        let mut seen_by = vec![u32::MAX; self.first.len() - 1];
        let mut bad = Vec::new();
        for node in 0..seen_by.len() as u32 {
            for half in self.halves(node) {
                let peer = self.peer(half);
                if peer == node || seen_by[peer as usize] == node {
                    bad.push(half);
                }
                seen_by[peer as usize] = node;
            }
        }
        bad.into_iter().all(|half| !self.is_bad(half) || self.mend_one(half, stream))
    }

    fn mend_one(&mut self, half: u32, stream: &mut Stream) -> bool {
        (0..PARTNERS_MAX).any(|_| {
            let with = index(stream.word(), self.owner.len()) as u32;
            let fits = self.swap_fits(half, with);
            if fits {
                self.swap(half, with);
            }
            fits
        })
    }

    /// Whether a swap makes neither a loop nor a double connection.
    fn swap_fits(&self, half: u32, with: u32) -> bool {
        let (a, b) = (self.owner[half as usize], self.peer(half));
        let (c, d) = (self.owner[with as usize], self.peer(with));
        let new_pair_twice = a == b && c == d;
        a != c && b != d && !new_pair_twice && !self.connected(a, c) && !self.connected(b, d)
    }

    /// Makes two half-edges a pair, and their former partners another.
    fn swap(&mut self, one: u32, other: u32) {
        let (one_mate, other_mate) = (self.mate[one as usize], self.mate[other as usize]);
        for (x, y) in [(one, other), (one_mate, other_mate)] {
            self.mate[x as usize] = y;
            self.mate[y as usize] = x;
        }
    }

    /// Joins the parts to one; false where a part has no connection to spare.
    ///
    /// A connection on a cycle of one part, swapped with any connection of another, joins the two:
    /// the first part stays whole without it, and the ends of the other both lead into it.
    fn connect(&mut self) -> bool {
        let Some(spares) = self.spares() else { return false };
        let mut spares = spares.into_iter();
        let Some(anchor) = spares.next() else { return false };
        for spare in spares {
            self.swap(spare, anchor);
        }
        true
    }

    /// One half-edge of each part, that of node 0 first; of the others one on a cycle, `None` where
    /// a part has none.
    fn spares(&self) -> Option<Vec<u32>> {
        let nodes = self.first.len() as u32 - 1;
        let mut reached = vec![false; nodes as usize];
        // The half-edge by which each node was reached; none leads to the first of a part.
        let mut by = vec![u32::MAX; nodes as usize];
        let mut spares = Vec::new();
        let mut open = Vec::new();
        for start in 0..nodes {
            if reached[start as usize] {
                continue;
            }
            reached[start as usize] = true;
            open.push(start);
            let mut on_cycle = None;
            while let Some(node) = open.pop() {
                for half in self.halves(node) {
                    let peer = self.peer(half);
                    if !reached[peer as usize] {
                        reached[peer as usize] = true;
                        by[peer as usize] = half;
                        open.push(peer);
                    } else if by[node as usize] != self.mate[half as usize] && by[peer as usize] != half {
                        on_cycle = Some(half);
                    }
                }
            }
            let any = if start == 0 { self.halves(start).next() } else { None };
            spares.push(any.or(on_cycle)?);
        }
        Some(spares)
    }

    fn into_graph(self) -> Graph {
        let to = self.mate.iter().map(|mate| NodeId::new(self.owner[*mate as usize])).collect();
        Graph { first: self.first, to, reverse: self.mate }
    }
}
