//! Honest peers and an honest host: whole courses of events in one verb.

use herald_fetcher::{BlockHash, BlockNumber, BlockOf, Body as _, Output, Time, Verdict};

use crate::harness::{Ask, Net, Told};
use crate::toy::{Peer, Toy};

/// What honest peers and an honest host saw of the fetcher.
#[derive(Debug, Default)]
pub struct Served {
    pub header_requests: Vec<(Peer, BlockHash)>,
    pub body_requests: Vec<(Peer, Vec<BlockHash>)>,
    pub cancelled: usize,
    /// In the order in which they were handed over for import.
    pub imported: Vec<BlockNumber>,
}

impl Served {
    /// Each of these blocks was asked for exactly once, and imported exactly once.
    #[track_caller]
    pub fn assert_once(&self, blocks: &[BlockOf<Toy>]) {
        let mut imported = self.imported.clone();
        imported.sort_unstable();
        assert_eq!(imported, blocks.iter().map(BlockOf::<Toy>::number).collect::<Vec<_>>());
        for block in blocks {
            let hash = block.hash();
            let headers = self.header_requests.iter().filter(|(_, asked)| *asked == hash).count();
            let bodies = self.body_requests.iter().filter(|(_, asked)| asked.contains(&hash)).count();
            assert_eq!((headers, bodies), (1, 1), "block {} was not asked for just once", block.number());
        }
    }
}

impl Net {
    /// Fetches one announced block, whatever the configuration: its header, its body where it has
    /// one. Gives the peer that gave the header.
    #[track_caller]
    pub fn fetch(&mut self, block: &BlockOf<Toy>) -> Peer {
        self.advance_until_output();
        let header = self.expect_header_request(block);
        let early = self.take_body_request(block);
        self.deliver_header(header, block);
        if block.body.retained_bytes() == 0 {
            if let Some(early) = early {
                self.expect_cancel(early);
            }
            return header.peer;
        }
        let body = early.unwrap_or_else(|| {
            self.advance_until_output();
            self.expect_body_request(&[block])
        });
        self.deliver_body(body, &[block]);
        header.peer
    }

    /// The host verifies and imports one block that was handed to it.
    #[track_caller]
    pub fn import(&mut self, block: &BlockOf<Toy>) -> Told {
        self.expect_verify(block);
        self.verdict(block, Verdict::Valid);
        let relayed = self.take_relay(block).unwrap_or_default();
        self.expect_import(block);
        self.imported(block, Verdict::Valid);
        Told { relayed, announced: self.take_announce(block).unwrap_or_default() }
    }

    /// The host imports blocks whose verification was expected already.
    #[track_caller]
    pub fn import_verified(&mut self, blocks: &[&BlockOf<Toy>]) {
        for block in blocks {
            self.verdict(block, Verdict::Valid);
            self.take_relay(block);
            self.expect_import(block);
            self.imported(block, Verdict::Valid);
            self.take_announce(block);
        }
    }

    /// Lets `ms` milliseconds pass, in which every peer has all of `blocks` and answers within its
    /// round trip, and the host at once. Nobody may be blamed for anything.
    #[track_caller]
    pub fn serve(&mut self, blocks: &[BlockOf<Toy>], ms: u64) -> Served {
        self.serve_but(None, blocks, ms)
    }

    /// The same beside a peer that never answers, and may be blamed.
    #[track_caller]
    pub fn serve_beside(&mut self, silent: Peer, blocks: &[BlockOf<Toy>], ms: u64) -> Served {
        self.serve_but(Some(silent), blocks, ms)
    }

    #[track_caller]
    fn serve_but(&mut self, silent: Option<Peer>, blocks: &[BlockOf<Toy>], ms: u64) -> Served {
        let end = self.in_ms(ms);
        let mut served = Served::default();
        loop {
            while let Some(output) = self.next_output() {
                if silent.is_none() || concerned(&output) != silent {
                    self.carry_out(output, &mut served);
                }
            }
            // What has arrived is handed in before any timer rings.
            let arrives = self.under_way.front().map(|(time, _)| *time).filter(|time| *time <= end);
            let rings = self.fetcher.poll_timeout().filter(|time| *time <= end);
            match arrives {
                Some(time) if rings.is_none_or(|rings| time <= rings) => {
                    let (time, request) = self.under_way.pop_front().expect("it was there");
                    self.set_now(time.max(self.now()));
                    self.answer(request, blocks);
                }
                Some(_) | None => {
                    if !self.ring_until(end) {
                        break;
                    }
                }
            }
        }
        self.assert_quiet();
        self.set_now(end);
        served
    }

    fn carry_out(&mut self, output: Output<Toy>, served: &mut Served) {
        let answered_at = self.in_ms(self.round_trip_ms);
        match output {
            Output::RequestHeader { peer, hash, .. } => {
                served.header_requests.push((peer, hash));
                self.send_under_way(answered_at, output);
            }
            Output::RequestBodies { peer, ref hashes, .. } => {
                served.body_requests.push((peer, hashes.to_vec()));
                self.send_under_way(self.in_ms(self.round_trip_ms + self.body_transfer_ms), output);
            }
            Output::Cancel { request: cancelled, .. } => {
                served.cancelled += 1;
                self.under_way.retain(|(_, sent)| match sent {
                    Output::RequestHeader { request, .. } | Output::RequestBodies { request, .. } => {
                        *request != cancelled
                    }
                    _ => unreachable!("only requests are under way"),
                });
            }
            Output::VerifyHeader { header } => {
                let hash = herald_fetcher::Header::hash(&header);
                self.quiet_step(|net| net.fetcher.verdict(net.now(), hash, Verdict::Valid, &net.chain));
            }
            Output::Import { block } => {
                served.imported.push(block.number());
                self.chain.insert(&block);
                let (hash, number) = (block.hash(), block.number());
                self.quiet_step(|net| {
                    net.fetcher.imported(net.now(), hash, Verdict::Valid, &net.chain);
                    net.fetcher.chain_advanced(net.now(), &[(hash, number)], &net.chain);
                });
            }
            Output::Relay { .. } | Output::Announce { .. } => {}
            other @ (Output::ImportHeader { .. }
            | Output::Penalise { .. }
            | Output::OutOfReach { .. }
            | Output::Event(_)) => panic!("unexpected among the honest: {other:?}"),
        }
    }

    /// In the order in which they will be answered, those of one time in that in which they were sent.
    fn send_under_way(&mut self, answered_at: Time, output: Output<Toy>) {
        let at = self.under_way.partition_point(|(time, _)| *time <= answered_at);
        self.under_way.insert(at, (answered_at, output));
    }

    #[track_caller]
    fn answer(&mut self, request: Output<Toy>, blocks: &[BlockOf<Toy>]) {
        let find = |hash: &BlockHash| {
            blocks.iter().find(|block| block.hash() == *hash).expect("an honest peer has what it announced")
        };
        match request {
            Output::RequestHeader { request, peer, hash } => {
                self.reply_headers_meanwhile(Ask { peer, request }, find(&hash));
            }
            Output::RequestBodies { request, peer, hashes } => {
                let bodies = hashes.iter().map(|hash| find(hash).body.clone()).collect();
                let back =
                    self.quiet_step(|net| net.fetcher.bodies(net.now(), &peer, request, bodies, &net.chain));
                assert!(back.is_empty(), "a body that was asked for came back");
            }
            _ => unreachable!("only requests are under way"),
        }
    }

    #[track_caller]
    fn reply_headers_meanwhile(&mut self, ask: Ask, block: &BlockOf<Toy>) {
        let headers = vec![block.header.clone()];
        let back = self
            .quiet_step(|net| net.fetcher.headers(net.now(), &ask.peer, ask.request, headers, &net.chain));
        assert!(back.is_empty(), "a header that was asked for came back");
    }
}

/// The one peer that an output is about.
fn concerned(output: &Output<Toy>) -> Option<Peer> {
    match output {
        Output::RequestHeader { peer, .. }
        | Output::RequestBodies { peer, .. }
        | Output::Cancel { peer, .. }
        | Output::Penalise { peer, .. }
        | Output::OutOfReach { peer, .. } => Some(*peer),
        Output::VerifyHeader { .. }
        | Output::Import { .. }
        | Output::ImportHeader { .. }
        | Output::Relay { .. }
        | Output::Announce { .. }
        | Output::Event(_) => None,
    }
}

/// So that a test can answer a request under another name.
impl Ask {
    pub fn as_from(self, peer: Peer) -> Self {
        Self { peer, ..self }
    }
}
