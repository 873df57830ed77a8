//! A host that does nothing but keep a map of hashes, as in geth's own measurement.

use std::time::Duration;

use herald_fetcher::{ChainView, Config, Fetcher, Output, RequestId, Time, Verdict};
use herald_proto::{Body, Header};

use alloy_primitives::B256;
use alloy_primitives::map::B256Set;

use crate::blocks::{Eth, PeerId, peer};

#[derive(Default)]
pub(crate) struct Chain {
    pub(crate) blocks: B256Set,
    pub(crate) head: u64,
}

impl ChainView for Chain {
    fn contains(&self, hash: &B256) -> bool {
        self.blocks.contains(hash)
    }
    fn head(&self) -> u64 {
        self.head
    }
    fn finalized(&self) -> u64 {
        0
    }
}

/// A fetcher, its chain, and the requests that it sent.
pub(crate) struct Host {
    pub(crate) fetcher: Fetcher<Eth>,
    pub(crate) chain: Chain,
    pub(crate) now: Time,
    pub(crate) header_requests: Vec<(RequestId, PeerId, B256)>,
    pub(crate) body_requests: Vec<(RequestId, PeerId, Vec<B256>)>,
    pub(crate) imported: u64,
}

impl Host {
    pub(crate) fn new(config: Config, peers: usize) -> Self {
        let mut fetcher = Fetcher::new(config).expect("the configuration is valid");
        for n in 0..peers {
            let _ = fetcher.peer_connected(Time::ZERO, peer(n));
        }
        Self {
            fetcher,
            chain: Chain { blocks: [B256::ZERO].into_iter().collect(), head: 0 },
            now: Time::ZERO,
            header_requests: Vec::new(),
            body_requests: Vec::new(),
            imported: 0,
        }
    }

    /// A host used before, with nothing left of that but the memory, or else a new one.
    pub(crate) fn again(used: Option<Self>, config: &Config, peers: usize) -> Self {
        let Some(mut host) = used else { return Self::new(config.clone(), peers) };
        for n in 0..peers {
            host.fetcher.peer_gone(host.now, &peer(n));
            let _ = host.fetcher.peer_connected(host.now, peer(n));
        }
        host.drain();
        host.header_requests.clear();
        host.body_requests.clear();
        host
    }

    pub(crate) fn pass(&mut self, span: Duration) {
        self.now = self.now.after(span);
        self.fetcher.tick(self.now, &self.chain);
    }

    /// Carries all outputs out. Verification and import succeed at once.
    pub(crate) fn drain(&mut self) {
        while let Some(output) = self.fetcher.poll_output() {
            match output {
                Output::RequestHeader { request, peer, hash } => {
                    self.header_requests.push((request, peer, hash))
                }
                Output::RequestBodies { request, peer, hashes } => {
                    self.body_requests.push((request, peer, hashes.into()));
                }
                Output::VerifyHeader { header } => {
                    self.fetcher.verdict(self.now, header.hash(), Verdict::Valid, &self.chain);
                }
                Output::Import { block } => {
                    self.chain.blocks.insert(block.header.hash());
                    self.chain.head = self.chain.head.max(block.header.number);
                    self.imported += 1;
                    let hash = block.header.hash();
                    self.fetcher.imported(self.now, hash, Verdict::Valid, &self.chain);
                }
                Output::ImportHeader { .. }
                | Output::Cancel { .. }
                | Output::Relay { .. }
                | Output::Announce { .. }
                | Output::Penalise { .. }
                | Output::OutOfReach { .. }
                | Output::Event(_) => {}
            }
        }
    }

    pub(crate) fn deliver_header(&mut self, request: RequestId, peer: PeerId, header: Header) {
        let left = self.fetcher.headers(self.now, &peer, request, vec![header], &self.chain);
        assert!(left.is_empty(), "the header was asked for");
    }

    pub(crate) fn deliver_body(&mut self, request: RequestId, peer: PeerId, body: Body) {
        let left = self.fetcher.bodies(self.now, &peer, request, vec![body], &self.chain);
        assert!(left.is_empty(), "the body was asked for");
    }
}
