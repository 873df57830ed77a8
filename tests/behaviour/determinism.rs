//! The same configuration and the same inputs give the same outputs; every call is also an input.

use herald_fetcher::{BlockOf, Config, Failure, Fetcher, Input, Outcome, RequestId, Time, Verdict};

use crate::toy::{Chain, Peer, Toy, blocks_on, genesis, made_up_hash, siblings_on};

/// Draws one input after the other, of all kinds, from a seed.
struct Script {
    state: u64,
    blocks: Vec<BlockOf<Toy>>,
}

impl Script {
    fn new(seed: u64) -> Self {
        let mut blocks = blocks_on(&genesis(), 20);
        blocks.extend(siblings_on(&genesis(), 5));
        Self { state: seed, blocks }
    }

    /// SplitMix64.
    fn draw(&mut self, below: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }

    fn input(&mut self, open: &[RequestId]) -> Input<Toy> {
        let peer = Peer(self.draw(6) as u32);
        let at = self.draw(self.blocks.len() as u64) as usize;
        let block = self.blocks[at].clone();
        let request = match open.len() as u64 {
            0 => RequestId::new(self.draw(50)),
            len => open[self.draw(len) as usize],
        };
        let (hash, number) = (block.hash(), block.number());
        match self.draw(17) {
            0 | 1 => Input::PeerConnected { peer },
            2 => Input::PeerGone { peer },
            3..=5 => Input::Announced { peer, hash, number },
            6 => Input::Announced { peer, hash: made_up_hash(self.draw(40)), number: self.draw(70) },
            7 => Input::Pushed { peer, block },
            8 | 9 => Input::Headers { peer, request, headers: vec![block.header] },
            10 => Input::Bodies { peer, request, bodies: vec![block.body] },
            11 => Input::RequestFailed { peer, request, failure: Failure::Refused },
            12 => Input::Verdict { hash, verdict: Verdict::Valid },
            13 => Input::Imported { hash, verdict: Verdict::Valid },
            15 => Input::Progress { peer, request, bytes: self.draw(1 << 20) },
            14 => Input::ChainAdvanced { blocks: vec![(hash, number)] },
            _ => Input::Tick,
        }
    }
}

/// A long course of events: all that came out of it, as text.
fn run(
    config: Config,
    seed: u64,
    handle: impl Fn(&mut Fetcher<Toy>, Time, Input<Toy>, &Chain) -> String,
) -> String {
    let mut fetcher = Fetcher::new(config).expect("the configuration is valid");
    let mut script = Script::new(seed);
    let (chain, mut open, mut said) = (Chain::new(), Vec::new(), String::new());
    let mut nanos = 0;
    for _ in 0..1_500 {
        nanos += script.draw(20_000_000);
        let input = script.input(&open);
        said += &handle(&mut fetcher, Time::from_nanos(nanos), input, &chain);
        while let Some(output) = fetcher.poll_output() {
            match output {
                herald_fetcher::Output::RequestHeader { request, .. }
                | herald_fetcher::Output::RequestBodies { request, .. } => {
                    open.push(request);
                }
                _ => {}
            }
            said += &format!("{output:?}\n");
        }
        open.drain(..open.len().saturating_sub(8));
        assert_eq!(fetcher.check_invariants(), Ok(()));
    }
    said + &format!("{:?}", fetcher.status())
}

fn by_input(fetcher: &mut Fetcher<Toy>, now: Time, input: Input<Toy>, chain: &Chain) -> String {
    match fetcher.handle(now, input, chain) {
        Outcome::Done => String::new(),
        Outcome::Connection(connection) => format!("{connection:?}"),
        Outcome::Admission(admission) => format!("{admission:?}"),
        Outcome::Headers(headers) => format!("{headers:?}"),
        Outcome::Bodies(bodies) => format!("{bodies:?}"),
    }
}

fn by_method(fetcher: &mut Fetcher<Toy>, now: Time, input: Input<Toy>, chain: &Chain) -> String {
    match input {
        Input::PeerConnected { peer } => return format!("{:?}", fetcher.peer_connected(now, peer)),
        Input::PeerGone { peer } => fetcher.peer_gone(now, &peer),
        Input::Announced { peer, hash, number } => {
            return format!("{:?}", fetcher.announce(now, &peer, hash, number, chain));
        }
        Input::Pushed { peer, block } => return format!("{:?}", fetcher.push(now, &peer, block, chain)),
        Input::Headers { peer, request, headers } => {
            return format!("{:?}", fetcher.headers(now, &peer, request, headers, chain));
        }
        Input::Bodies { peer, request, bodies } => {
            return format!("{:?}", fetcher.bodies(now, &peer, request, bodies, chain));
        }
        Input::Progress { peer, request, bytes } => fetcher.progress(now, &peer, request, bytes),
        Input::RequestFailed { peer, request, failure } => {
            fetcher.request_failed(now, &peer, request, failure)
        }
        Input::Verdict { hash, verdict } => fetcher.verdict(now, hash, verdict, chain),
        Input::Imported { hash, verdict } => fetcher.imported(now, hash, verdict, chain),
        Input::ChainAdvanced { blocks } => fetcher.chain_advanced(now, &blocks, chain),
        Input::Sealed { block } => fetcher.sealed(now, block, chain),
        Input::Forget { hash } => fetcher.forget(now, &hash),
        Input::Tick => fetcher.tick(now, chain),
        Input::Shutdown => fetcher.shutdown(now),
    }
    String::new()
}

#[test]
fn the_same_inputs_give_the_same_outputs() {
    for config in [Config::default(), Config::geth()] {
        let first = run(config.clone(), 1, by_input);
        assert!(first.contains("Import") && first.contains("Penalise") && first.contains("Relay"));
        assert_eq!(first, run(config.clone(), 1, by_input));
        assert_ne!(first, run(config, 2, by_input));
    }
}

#[test]
fn an_input_does_what_its_method_does() {
    for config in [Config::default(), Config::geth()] {
        assert_eq!(run(config.clone(), 3, by_input), run(config, 3, by_method));
    }
}
