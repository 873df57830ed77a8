#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod manual;

use std::fs;

use super::*;
use crate::scenario::units::{Size, Span};
use crate::scenario::{
    AdversaryKind, CutDirection, Distribution, Exit, MemoryKept, NetworkYear, OutboundDegrees, SizeDraw,
};

fn parse(text: &str) -> Result<Scenario, ScenarioFileError> {
    Scenario::parse(text, Path::new("some.toml"))
}

fn refused(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn what_is_not_said_has_its_default() {
    assert_eq!(parse("").unwrap(), Scenario { name: "some".into(), ..Scenario::default() });
}

#[test]
fn unknown_keys_are_refused_with_their_line() {
    let cases = [
        ("nodes = 9\n\nnods = 7\n", 3, "nods = 7"),
        ("nodes = 9\n[chain]\nblocks = 3\ndrian = \"3 s\"\n", 4, "drian"),
        ("[topology]\nkind = \"line\"\n\nlegs = 3\n", 4, "legs"),
        ("[[adversaries]]\nkind = \"junk\"\n\n[[adversaries]]\nkind = \"junk\"\nshares = 3\n", 6, "shares"),
        ("[[faults]]\nkind = \"join\"\nat = \"1 s\"\nshear = 0.5\n", 4, "shear"),
        ("[regions]\npreset = \"2019\"\n# a comment\ndistributoin = \"litecoin\"\n", 4, "distributoin"),
        ("[chain]\nblock_size = { min = \"1 KB\", maxx = \"2 KB\" }\n", 2, "maxx"),
    ];
    for (text, line, key) in cases {
        let message = refused(text);
        assert!(message.starts_with(&format!("some.toml, line {line}: unknown field `")), "{message}");
        assert!(message.contains(key) && message.contains("expected"), "{message}");
    }
}

#[test]
fn wrong_units_are_refused_with_their_line() {
    let cases = [
        ("[chain]\nblocks = 3\ndrain = \"3 sec\"\n", 3, "\"sec\" is not a unit here; use one of ns, us"),
        ("[chain]\ndrain = 3\n", 2, "expected a span of time with its unit, such as \"50 ms\""),
        ("[wire]\n\n\nheader = \"600\"\n", 4, "has no unit"),
        ("[chain]\nblock_size = \"60 Kb\"\n", 2, "\"Kb\" is not a unit here"),
        ("[[faults]]\nkind = \"join\"\nat = \"1 x\"\nshare = 0.5\n", 3, "\"x\" is not a unit here"),
        ("[[adversaries]]\nkind = \"junk\"\nevery = \"1 KB\"\n", 3, "\"KB\" is not a unit here"),
        ("[fetcher]\n\nbytes_total = 5\n", 3, "expected a number of bytes"),
    ];
    for (text, line, reason) in cases {
        let message = refused(text);
        assert!(message.starts_with(&format!("some.toml, line {line}: ")), "{message}");
        assert!(message.contains(reason), "{message}");
    }
}

#[test]
fn unknown_names_and_unfitting_keys_are_refused() {
    let cases = [
        ("policies = [\n\"herald\",\n\"gath\"]\n", 3, "unknown variant `gath`, expected one of `herald`"),
        ("[topology]\nkind = \"ring\"\n", 2, "unknown variant `ring`"),
        (
            "nodes = 5\n[topology]\nkind = \"line\"\ndegree = 3\n",
            2,
            "`line` has no key `degree`; take it out",
        ),
        ("[topology]\nkind = \"random-regular\"\n", 1, "`random-regular` needs the key `degree`"),
        ("[topology]\nkind = \"edges\"\n", 1, "give either `file` or `edges`"),
        ("[regions]\npreset = \"2019\"\nshares = [1.0]\n", 1, "`preset` has no key `shares`"),
        ("\n[[faults]]\nkind = \"join\"\nat = \"1 s\"\n", 2, "`join` needs the key `share`"),
        ("[[adversaries]]\nshare = 0.1\n", 1, "missing field `kind`"),
        ("nodes = \n", 1, ""),
        ("nodes = 5\nnodes = 6\n", 2, "duplicate key"),
    ];
    for (text, line, reason) in cases {
        let message = refused(text);
        assert!(message.starts_with(&format!("some.toml, line {line}: ")), "{message}");
        assert!(message.contains(reason), "{message}");
    }
}

#[test]
fn names_are_those_of_reports() {
    for &policy in Policy::ALL {
        assert_eq!(parse(&format!("policies = [\"{}\"]", policy.label())).unwrap().policies, [policy]);
    }
    for &kind in AdversaryKind::ALL {
        let text = format!("[[adversaries]]\nkind = \"{}\"", kind.label());
        assert_eq!(parse(&text).unwrap().adversaries, [Adversaries::new(kind)]);
    }
}

#[test]
fn what_cannot_run_is_refused() {
    let message = refused("nodes = 0");
    assert_eq!(message, "some.toml: `nodes` is 0; it must be from 2 to 1000000");
}

#[test]
fn presets_stand_for_their_tables() {
    let scenario =
        parse("[regions]\npreset = \"2015\"\n[topology]\nkind = \"degrees\"\npreset = \"bitcoin_2015\"\n");
    let scenario = scenario.unwrap();
    assert_eq!(scenario.regions, Regions::preset(NetworkYear::Of2015, Distribution::Bitcoin2015));
    assert_eq!(scenario.topology, Topology::degrees(OutboundDegrees::Bitcoin2015));
    let mixed = parse("[regions]\npreset = \"2019\"\ndistribution = \"ethereum\"\n").unwrap();
    assert_eq!(mixed.regions, Regions::preset(NetworkYear::Of2019, Distribution::Ethereum));
}

#[test]
fn edges_are_read_beside_the_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.toml");
    fs::write(&path, "nodes = 4\n[topology]\nkind = \"edges\"\nfile = \"net.edges\"\n[chain]\nsealers = 1\n")
        .unwrap();
    let edges = folder.path().join("net.edges");
    fs::write(&edges, "# a square\n0 1\n1,2\n\n2\t3 # and back\n3 0\n").unwrap();
    let scenario = Scenario::read(&path).unwrap();
    assert_eq!(scenario.name, "net");
    assert_eq!(scenario.topology, Topology::Edges { edges: vec![(0, 1), (1, 2), (2, 3), (3, 0)] });
    assert_eq!(parse(&scenario.to_toml().unwrap()).unwrap(), scenario);

    for (text, line) in
        [("0 1\n1\n", 2), ("0 1 2\n", 1), ("\n\n0 one\n", 3), ("0 -1\n", 1), ("0 4294967296", 1)]
    {
        fs::write(&edges, text).unwrap();
        let error = Scenario::read(&path).unwrap_err();
        assert!(matches!(error, ScenarioFileError::Edge { line: at, .. } if at == line), "{text}: {error}");
        assert!(error.to_string().contains(&format!("net.edges, line {line}: ")), "{error}");
    }
    fs::remove_file(&edges).unwrap();
    assert!(matches!(Scenario::read(&path).unwrap_err(), ScenarioFileError::Read { .. }));
}

#[test]
fn long_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.toml");
    fs::write(&path, "nodes = 4\n").unwrap();
    assert!(matches!(read_bounded(&path, 9).unwrap_err(), ScenarioFileError::TooLong { max: 9, .. }));
    assert_eq!(read_bounded(&path, 10).unwrap(), "nodes = 4\n");
}

#[test]
fn every_option_is_written_and_reads_back() {
    let fetcher = FetcherOptions {
        grace: Some(Span::ms(1)),
        gather: Some(Span::ms(2)),
        deadline: Some(Span::ms(3)),
        lifetime: Some(Span::s(4)),
        window_below: Some(5),
        window_above: Some(6),
        deferred_per_peer: Some(7),
        announcements_per_peer: Some(8),
        blocks_per_peer: Some(10),
        bytes_per_peer: Some(Size::kb(11)),
        bytes_total: Some(Size::mib(12)),
        requests_per_peer: Some(13),
        bodies_per_request: Some(14),
        importing: Some(15),
        known_blocks: Some(16),
        bad_blocks: Some(17),
    };
    let at = Span(1_234_567_891);
    let churn = ScheduledFault::Churn {
        at,
        lasts: Span::s(60),
        every: Span::s(2),
        away: Span::s(9),
        exit: Exit::Silent,
        memory: MemoryKept::Nothing,
    };
    let scenario = Scenario {
        name: "all".into(),
        purpose: "says \"everything\",\non two lines".into(),
        seed: i64::MAX as u64,
        policies: vec![Policy::Herald, Policy::GethModel, Policy::PushToAll],
        topology: Topology::degrees(OutboundDegrees::Dogecoin),
        chain: ChainModel {
            shares: vec![0.1, 0.7, 1e-9],
            sealers: 3,
            block_size: SizeDraw::LogNormal(Size(60_001), 0.3),
            ..ChainModel::default()
        },
        adversaries: vec![
            Adversaries::new(AdversaryKind::Phantoms),
            Adversaries::new(AdversaryKind::OtherBody),
        ],
        faults: vec![
            churn,
            ScheduledFault::Partition { at, lasts: Span::s(1), share: 0.3, direction: CutDirection::OneWay },
            ScheduledFault::Join { at, share: 0.1 },
            ScheduledFault::Leave { at, share: 1.0 / 3.0 },
        ],
        fetcher,
        check_stride: 7,
        assertions: Assertions { converged: true, p99: Some(Span::s(4)), ..Assertions::default() },
        ..Scenario::default()
    };
    let text = scenario.to_toml().unwrap();
    assert_eq!(parse(&text).unwrap(), scenario, "{text}");
    let uniform = SizeDraw::Uniform(Size::kb(1), Size::kb(200));
    let chain = ChainModel { block_size: uniform, ..ChainModel::default() };
    let scenario = Scenario { chain, topology: Topology::Star, ..Scenario::default() };
    assert_eq!(parse(&scenario.to_toml().unwrap()).unwrap(), scenario);
}
