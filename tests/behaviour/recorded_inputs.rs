//! Inputs and configurations are plain values: what serde wrote down does the same when it is read.

use alloy_primitives::B256;
use herald_fetcher::{
    Block, BlockHash, BlockNumber, ChainView, Config, Failure, Fetcher, Input, RequestId, Time, Types,
};
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
