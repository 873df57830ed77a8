//! Inputs and configurations are plain values: what serde wrote down does the same when it is read.
//! So are outcomes, outputs and events: a recorder can be complete.

use alloy_primitives::B256;
use herald_fetcher::{
    Admission, Block, BlockHash, BlockNumber, ChainView, Config, Connection, End, Event, Events, Failure,
    Fetcher, Input, Outcome, Output, Presence, Reason, RequestId, StageName, Time, Types,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Blocks that serde can write.
#[derive(Debug)]
struct Plain;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Header {
    hash: BlockHash,
    parent: BlockHash,
    number: BlockNumber,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Body(u8);

impl Types for Plain {
    type PeerId = u32;
    type Commitment = u8;
    type Header = Header;
    type Body = Body;

    fn empty_body(_: &Header) -> Option<Body> {
        None
    }
}

impl herald_fetcher::Header for Header {
    type Commitment = u8;

    fn hash(&self) -> BlockHash {
        self.hash
    }
    fn number(&self) -> BlockNumber {
        self.number
    }
    fn parent_hash(&self) -> BlockHash {
        self.parent
    }
    fn body_commitment(&self) -> u8 {
        5
    }
    fn retained_bytes(&self) -> usize {
        72
    }
}

impl herald_fetcher::Body for Body {
    type Commitment = u8;

    fn commitment(&self) -> u8 {
        self.0
    }
    fn retained_bytes(&self) -> usize {
        1
    }
}

struct Genesis;

impl ChainView for Genesis {
    fn contains(&self, hash: &BlockHash) -> bool {
        hash.is_zero()
    }
    fn head(&self) -> BlockNumber {
        0
    }
    fn finalized(&self) -> BlockNumber {
        0
    }
}

fn inputs() -> Vec<Input<Plain>> {
    let block = |n: u8, parent: B256| Block {
        header: Header { hash: B256::repeat_byte(n), parent, number: u64::from(n) },
        body: Body(5),
    };
    let (one, two) = (block(1, B256::ZERO), block(2, B256::repeat_byte(1)));
    let request = RequestId::new(7);
    vec![
        Input::PeerConnected { peer: 4 },
        Input::PeerConnected { peer: 9 },
        Input::Announced { peer: 4, hash: two.header.hash, number: 2 },
        Input::Pushed { peer: 9, block: two.clone() },
        Input::Headers { peer: 4, request, headers: vec![one.header.clone()] },
        Input::Bodies { peer: 4, request, bodies: vec![Body(5), Body(6)] },
        Input::Progress { peer: 9, request, bytes: 1_000 },
        Input::RequestFailed { peer: 9, request, failure: Failure::Malformed },
        Input::Pushed { peer: 4, block: one.clone() },
        Input::Verdict { hash: one.header.hash, verdict: herald_fetcher::Verdict::Valid },
        Input::Imported { hash: one.header.hash, verdict: herald_fetcher::Verdict::Valid },
        Input::ChainAdvanced { blocks: vec![(one.header.hash, 1)] },
        Input::Sealed { block: block(3, B256::repeat_byte(2)) },
        Input::PeerGone { peer: 4 },
        Input::Forget { hash: one.header.hash },
        Input::Tick,
        Input::Shutdown,
    ]
}

fn run(config: Config, inputs: Vec<Input<Plain>>) -> String {
    let mut fetcher: Fetcher<Plain> = Fetcher::new(config).unwrap();
    let mut said = String::new();
    for (n, input) in (0_u64..).zip(inputs) {
        said += &format!("{:?}\n", fetcher.handle(Time::from_nanos(n), input, &Genesis));
        while let Some(output) = fetcher.poll_output() {
            said += &format!("{output:?}\n");
        }
    }
    said
}

#[test]
fn what_was_written_does_the_same_when_it_is_read() {
    for config in [Config::default(), Config::geth()] {
        let written = serde_json::to_string(&(&config, inputs())).unwrap();
        let (read_config, read): (Config, Vec<Input<Plain>>) = serde_json::from_str(&written).unwrap();
        assert_eq!(read_config, config);
        let said = run(config, inputs());
        assert!(said.contains("Import") && said.contains("Relay"), "{said}");
        assert_eq!(run(read_config, read), said);
    }
}

#[test]
fn a_field_that_no_configuration_has_is_an_error() {
    let error = serde_json::from_str::<Config>(r#"{ "window_abvoe": 3 }"#).unwrap_err();
    assert!(error.to_string().contains("window_abvoe"), "{error}");
    let partial: Config = serde_json::from_str(r#"{ "window_above": 3 }"#).unwrap();
    assert_eq!(partial, Config::default().with(|config| config.window_above = 3));
}

/// What a recorder writes of one call.
#[derive(Debug, Serialize, Deserialize)]
struct Step {
    input: Input<Plain>,
    outcome: Outcome<Plain>,
    outputs: Vec<Output<Plain>>,
}

/// A record, read again, holds all that was seen, and the fetcher does the same once more.
#[test]
fn a_record_is_complete() {
    let config = Config::default().with(|config| config.events = Events::On);
    let mut fetcher: Fetcher<Plain> = Fetcher::new(config.clone()).unwrap();
    let mut lines = Vec::new();
    for (n, (input, copy)) in (0_u64..).zip(inputs().into_iter().zip(inputs())) {
        let outcome = fetcher.handle(Time::from_nanos(n), input, &Genesis);
        let outputs = core::iter::from_fn(|| fetcher.poll_output()).collect();
        lines.push(serde_json::to_string(&Step { input: copy, outcome, outputs }).unwrap());
    }
    let text = lines.join("\n");
    for seen in ["Event", "Entered", "Ended", "Relay", "Import", "RequestHeader", "Connection", "Admission"] {
        assert!(text.contains(&format!("\"{seen}\"")), "no {seen} in\n{text}");
    }
    let mut again: Fetcher<Plain> = Fetcher::new(config).unwrap();
    for (n, line) in (0_u64..).zip(lines) {
        let Step { input, outcome, outputs } = serde_json::from_str(&line).unwrap();
        let now = again.handle(Time::from_nanos(n), input, &Genesis);
        assert_eq!(format!("{now:?}"), format!("{outcome:?}"));
        let now: Vec<_> = core::iter::from_fn(|| again.poll_output()).collect();
        assert_eq!(format!("{now:?}"), format!("{outputs:?}"));
    }
}

/// Reads what was written, and compares.
fn assert_round_trip<V: core::fmt::Debug + Serialize + DeserializeOwned>(value: &V) {
    let written = serde_json::to_string(value).unwrap();
    let read: V = serde_json::from_str(&written).unwrap();
    assert_eq!(format!("{read:?}"), format!("{value:?}"), "{written}");
}

#[test]
fn each_output_is_read_as_it_was_written() {
    let (hash, number, peer, request) = (B256::repeat_byte(1), u64::MAX, 3, RequestId::new(1 << 60));
    let header = Header { hash, parent: B256::ZERO, number };
    let block = Block { header: header.clone(), body: Body(5) };
    let mut outputs: Vec<Output<Plain>> = vec![
        Output::RequestHeader { request, peer, hash },
        Output::RequestBodies { request, peer, hashes: hash.into() },
        Output::RequestBodies { request, peer, hashes: vec![hash, B256::ZERO].into() },
        Output::Cancel { request, peer },
        Output::VerifyHeader { header: header.clone() },
        Output::Import { block: block.clone() },
        Output::ImportHeader { header: header.clone() },
        Output::Relay { block, peers: vec![peer, 4] },
        Output::Announce { hash, number, peers: vec![peer, 4] },
        Output::OutOfReach { hash, number, peer },
    ];
    for presence in [Presence::Connected, Presence::Gone] {
        outputs.extend(Reason::ALL.map(|reason| Output::Penalise { peer, reason, presence }));
    }
    for stage in StageName::ALL {
        outputs.push(Output::Event(Event::Entered { hash, stage, from: Some(peer) }));
        outputs.push(Output::Event(Event::Entered { hash, stage, from: None }));
    }
    outputs.extend(End::ALL.map(|end| Output::Event(Event::Ended { hash, end })));
    outputs.iter().for_each(assert_round_trip);
}

#[test]
fn each_outcome_is_read_as_it_was_written() {
    let header = Header { hash: B256::repeat_byte(1), parent: B256::ZERO, number: 1 };
    let mut outcomes: Vec<Outcome<Plain>> = vec![
        Outcome::Done,
        Outcome::Headers(vec![header]),
        Outcome::Headers(vec![]),
        Outcome::Bodies(vec![Body(5), Body(6)]),
    ];
    let connections = [Connection::Accepted, Connection::Duplicate, Connection::TooMany, Connection::Stopped];
    outcomes.extend(connections.map(Outcome::Connection));
    outcomes.extend(Admission::ALL.map(Outcome::Admission));
    outcomes.iter().for_each(assert_round_trip);
}
