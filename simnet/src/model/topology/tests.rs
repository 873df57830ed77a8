#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::scenario::OutboundDegrees;

fn graph(nodes: u32, seed: u64, topology: Topology) -> Graph {
    Graph::of(&Scenario { nodes, seed, topology, ..Scenario::default() }).unwrap()
}

fn regular(nodes: u32, degree: u32, seed: u64) -> Graph {
    graph(nodes, seed, Topology::RandomRegular { degree })
}

/// Links lead back, nobody is connected to itself or twice to the same.
fn assert_sound(graph: &Graph) {
    assert_eq!(graph.first[0], 0);
    assert_eq!(*graph.first.last().unwrap() as usize, graph.links());
    for node in (0..graph.nodes() as u32).map(NodeId::new) {
        let peers: BTreeSet<_> = graph.peers(node).iter().collect();
        assert_eq!(peers.len(), graph.peers(node).len(), "{node:?} has a peer twice");
        assert!(!peers.contains(&node), "{node:?} is its own peer");
        for link in graph.links_of(node) {
            let back = graph.reverse[link as usize];
            assert_eq!(graph.reverse[back as usize], link);
            assert_eq!(graph.to[back as usize], node);
            assert!(graph.links_of(graph.to[link as usize]).contains(&back));
        }
    }
}

fn assert_connected(graph: &Graph) {
    assert!(graph.parts().iter().all(|part| *part == 0), "the graph is in parts");
}

fn degrees(graph: &Graph) -> Vec<usize> {
    (0..graph.nodes() as u32).map(|node| graph.peers(NodeId::new(node)).len()).collect()
}

fn assert_regular(graph: &Graph, degree: u32) {
    let mut degrees = degrees(graph);
    if graph.nodes() % 2 == 1 && degree % 2 == 1 {
        assert_eq!(degrees.pop(), Some(degree as usize - 1));
    }
    assert!(degrees.iter().all(|found| *found == degree as usize), "{degrees:?}");
    assert_sound(graph);
    assert_connected(graph);
}

#[test]
fn every_small_regular_graph_is_found() {
    for nodes in 2..=24 {
        for degree in if nodes > 2 { 2 } else { 1 }..nodes {
            for seed in 0..4 {
                assert_regular(&regular(nodes, degree, seed), degree);
            }
        }
    }
}

#[test]
fn large_regular_graphs_are_found() {
    for (nodes, degree) in [(10_000, 25), (20_001, 8), (3_001, 2), (700, 300), (301, 300)] {
        assert_regular(&regular(nodes, degree, 1), degree);
    }
}

#[test]
fn regular_graphs_are_random() {
    // The links of one node over many seeds reach every other node about equally often.
    let (nodes, degree, seeds) = (40, 4, 1_000);
    let mut met = vec![0_u32; nodes as usize];
    for seed in 0..seeds {
        for peer in regular(nodes, degree, seed).peers(NodeId::new(7)) {
            met[peer.index()] += 1;
        }
    }
    let expected = f64::from(degree) * seeds as f64 / f64::from(nodes - 1);
    let deviation = expected.sqrt();
    for (peer, met) in met.iter().enumerate().filter(|(peer, _)| *peer != 7) {
        let off = (f64::from(*met) - expected).abs() / deviation;
        assert!(off < 5.0, "node 7 met {peer} {met} times, {expected} expected");
    }
}

#[test]
fn lines_stars_and_edges_are_what_they_say() {
    let line = graph(5, 1, Topology::Line);
    assert_eq!(degrees(&line), [1, 2, 2, 2, 1]);
    let star = graph(5, 1, Topology::Star);
    assert_eq!(degrees(&star), [4, 1, 1, 1, 1]);
    assert_eq!(star.degree_max(), 4);
    let given = graph(5, 1, Topology::Edges { edges: vec![(3, 1), (1, 0), (4, 2)] });
    assert_eq!(given.peers(NodeId::new(1)), [NodeId::new(3), NodeId::new(0)]);
    assert_eq!(given.parts(), [0, 0, 1, 0, 1]);
    for graph in [line, star, given] {
        assert_sound(&graph);
    }
    assert_eq!(graph(5, 1, Topology::Line).links_of(NodeId::new(9)), 0..0);
}

#[test]
fn degrees_follow_the_table() {
    let topology = Topology::degrees(OutboundDegrees::Bitcoin2015);
    let graph = graph(6_000, 1, topology);
    assert_sound(&graph);
    assert_connected(&graph);
    // The table's mean is 1 and the sum of what lies above each entry, 8.645; with as many nodes no
    // part is cut off, so that no further one is opened.
    assert_eq!(graph.links(), 2 * 51_870);
    assert!(graph.degree_max() < 60);
}

#[test]
fn degrees_beyond_the_network_stop_at_all_peers() {
    let graph = graph(4, 1, Topology::Degrees { cumulative: vec![0.0, 0.0, 1.0] });
    assert_eq!(degrees(&graph), [3, 3, 3, 3]);
    assert_sound(&graph);
}

#[test]
fn parts_of_lone_pairs_are_joined() {
    for seed in 0..50 {
        let graph = graph(30, seed, Topology::Degrees { cumulative: vec![1.0] });
        assert_sound(&graph);
        assert_connected(&graph);
    }
}

#[test]
fn shares_become_whole_nodes() {
    assert_eq!(quotas(&[0.5, 0.25, 0.25], 100), [50, 25, 25]);
    assert_eq!(quotas(&[1.0, 1.0, 1.0], 100), [34, 33, 33]);
    assert_eq!(quotas(&[0.0, 0.999, 0.001], 10), [0, 10, 0]);
    let scenario = Scenario { nodes: 10_000, ..Scenario::default() };
    let drawn = regions(&scenario);
    let count = |region| drawn.iter().filter(|found| **found == region).count();
    assert_eq!([0, 1, 2, 3, 4, 5].map(count), [3_316, 4_998, 90, 1_177, 224, 195]);
    assert_ne!(drawn, regions(&Scenario { seed: 2, ..scenario.clone() }));
    assert_eq!(drawn, regions(&scenario));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn regular_graphs_are_sound(nodes in 3_u32..300, part in 0.0..1.0_f64, seed in any::<u64>()) {
        let degree = 2 + (part * f64::from(nodes - 3)) as u32;
        let graph = regular(nodes, degree, seed);
        assert_regular(&graph, degree);
        prop_assert_eq!(&graph, &regular(nodes, degree, seed));
    }

    #[test]
    fn degree_graphs_are_sound(
        nodes in 2_u32..200,
        steps in prop::collection::vec(0.0..1.0_f64, 0..12),
        seed in any::<u64>(),
    ) {
        let mut cumulative = steps;
        cumulative.sort_by(f64::total_cmp);
        cumulative.push(1.0);
        let topology = Topology::Degrees { cumulative };
        let drawn = graph(nodes, seed, topology.clone());
        assert_sound(&drawn);
        assert_connected(&drawn);
        prop_assert_eq!(&drawn, &graph(nodes, seed, topology));
    }

    #[test]
    fn quotas_come_to_the_total(shares in prop::collection::vec(0.001..1.0_f64, 1..20), total in 0_u32..5_000) {
        let quotas = quotas(&shares, total);
        prop_assert_eq!(quotas.iter().sum::<u32>(), total);
        let sum: f64 = shares.iter().sum();
        for (quota, share) in quotas.iter().zip(&shares) {
            prop_assert!((f64::from(*quota) - share / sum * f64::from(total)).abs() <= 1.0 + 1e-6);
        }
    }
}
