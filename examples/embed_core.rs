//! The pure core in a loop of one's own: std only, blocks that are headers only, and one thread that
//! plays two peers. Bob announces three blocks and then says nothing more; Alice has them too.
//!
//! `cargo run --example embed_core`
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example speaks to the terminal")]

use std::collections::{BTreeMap, VecDeque};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use herald_fetcher::{
    BlockHash, BlockNumber, ChainView, Config, Failure, Fetcher, Hedge, Input, Mode, Output, RequestId, Time,
    Types, Verdict,
};

// --- what the host brings: its types

/// Names our types for the fetcher.
#[derive(Debug)]
enum Toy {}

#[derive(Clone, Debug)]
struct Header(BlockNumber);

/// Headers-only mode has no bodies; the type still needs a name.
#[derive(Clone, Debug)]
struct NoBody;

/// A real header is hashed when it is decoded, and keeps its hash.
fn hash_of(number: BlockNumber) -> BlockHash {
    BlockHash::left_padding_from(&number.to_be_bytes())
}

impl Types for Toy {
    type PeerId = &'static str;
    type Commitment = ();
    type Header = Header;
    type Body = NoBody;

    fn empty_body(_: &Header) -> Option<NoBody> {
        Some(NoBody)
    }
}

impl herald_fetcher::Header for Header {
    type Commitment = ();

    fn hash(&self) -> BlockHash {
        hash_of(self.0)
    }
    fn number(&self) -> BlockNumber {
        self.0
    }
    fn parent_hash(&self) -> BlockHash {
        hash_of(self.0.saturating_sub(1))
    }
    fn body_commitment(&self) {}
    fn retained_bytes(&self) -> usize {
        size_of::<Self>()
    }
}

impl herald_fetcher::Body for NoBody {
    type Commitment = ();

    fn commitment(&self) {}
    fn retained_bytes(&self) -> usize {
        0
    }
}

// --- its chain

struct Chain(BTreeMap<BlockHash, BlockNumber>);

impl ChainView for Chain {
    fn contains(&self, hash: &BlockHash) -> bool {
        self.0.contains_key(hash)
    }
    fn head(&self) -> BlockNumber {
        self.0.values().copied().max().unwrap_or(0)
    }
    fn finalized(&self) -> BlockNumber {
        0
    }
}

// --- its network: a request goes to the peers' thread, a reply comes back as an input

struct Ask {
    request: RequestId,
    peer: &'static str,
    hash: BlockHash,
}

fn peers(asked: Receiver<Ask>, replies: SyncSender<Input<Toy>>) {
    for Ask { request, peer, hash } in asked {
        let headers: Vec<_> = (1..=3).filter(|n| hash_of(*n) == hash).map(Header).collect();
        if peer == "alice" && replies.send(Input::Headers { peer, request, headers }).is_err() {
            return;
        }
    }
}

// --- and its loop

struct Host {
    fetcher: Fetcher<Toy>,
    chain: Chain,
    start: Instant,
    to_peers: SyncSender<Ask>,
    /// What our own answers hand in next.
    answers: VecDeque<Input<Toy>>,
}

impl Host {
    fn now(&self) -> Time {
        Time::ZERO.after(self.start.elapsed())
    }

    /// Hands an input in, drains the outputs, and does the same with what they led to.
    fn hand_in(&mut self, input: Input<Toy>) {
        self.answers.push_back(input);
        while let Some(input) = self.answers.pop_front() {
            // The outcome says what became of an announcement, and gives back what was not asked for.
            let _outcome = self.fetcher.handle(self.now(), input, &self.chain);
            while let Some(output) = self.fetcher.poll_output() {
                self.carry_out(output);
            }
        }
    }

    fn carry_out(&mut self, output: Output<Toy>) {
        println!("{:>4} ms  {output:?}", self.start.elapsed().as_millis());
        match output {
            Output::RequestHeader { request, peer, hash } => {
                if self.to_peers.try_send(Ask { request, peer, hash }).is_err() {
                    let failure = Failure::Disconnected;
                    self.answers.push_back(Input::RequestFailed { peer, request, failure });
                }
            }
            // A real host verifies and imports elsewhere, and answers when it is done.
            Output::VerifyHeader { header } => {
                self.answers.push_back(Input::Verdict { hash: hash_of(header.0), verdict: Verdict::Valid });
            }
            Output::ImportHeader { header } => {
                let (hash, number) = (hash_of(header.0), header.0);
                self.chain.0.insert(hash, number);
                self.answers.push_back(Input::Imported { hash, verdict: Verdict::Valid });
                self.answers.push_back(Input::ChainAdvanced { blocks: vec![(hash, number)] });
            }
            // Our peers take no blocks, and we part with nobody.
            Output::Cancel { .. }
            | Output::Announce { .. }
            | Output::Relay { .. }
            | Output::Penalise { .. }
            | Output::OutOfReach { .. }
            | Output::Event(_) => {}
            Output::RequestBodies { .. } | Output::Import { .. } => {
                unreachable!("headers-only mode asks for no bodies")
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the host owns the clock")]
fn main() -> ExitCode {
    let (to_peers, asked) = sync_channel(64);
    let (replies, arrived) = sync_channel(64);
    thread::spawn(move || peers(asked, replies));

    let mut config = Config::default();
    config.mode = Mode::HeadersOnly;
    config.hedge = Hedge::After { min: Duration::from_millis(10), max: Duration::from_millis(50) };
    let fetcher = Fetcher::new(config).expect("the configuration is valid");
    let chain = Chain(BTreeMap::from([(hash_of(0), 0)]));
    let mut host = Host { fetcher, chain, start: Instant::now(), to_peers, answers: VecDeque::new() };

    for peer in ["bob", "alice"] {
        host.hand_in(Input::PeerConnected { peer });
        for number in 1..=3 {
            host.hand_in(Input::Announced { peer, hash: hash_of(number), number });
        }
    }
    // The fetcher is at rest when it waits for nothing.
    while let Some(due) = host.fetcher.poll_timeout() {
        match arrived.recv_timeout(due.since(host.now())) {
            Ok(input) => {
                host.hand_in(input);
                // All that has arrived, before time passes; a bound keeps a flood from holding it up.
                for input in arrived.try_iter().take(64) {
                    host.hand_in(input);
                }
            }
            Err(_) => host.hand_in(Input::Tick),
        }
    }

    let head = host.chain.head();
    println!("head {head}, {} request(s) sent", host.fetcher.counters().requests);
    if head == 3 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
