//! What must follow: each verb takes the next output, which must be the one that is expected.

use std::collections::BTreeSet;

use herald_fetcher::{BlockHash, BlockOf, Event, Output, PeerStatus, Presence, Reason};

use crate::harness::{Ask, Net};
use crate::toy::{Peer, Toy};

impl Net {
    #[track_caller]
    pub fn expect_header_request(&mut self, block: &BlockOf<Toy>) -> Ask {
        self.expect_header_request_for(block.hash())
    }

    #[track_caller]
    pub fn expect_header_request_to(&mut self, peer: Peer, block: &BlockOf<Toy>) -> Ask {
        let ask = self.expect_header_request(block);
        assert_eq!(ask.peer, peer, "another peer was asked");
        ask
    }

    /// Of one peer, in whatever order they come; the answer is in the order of `blocks`.
    #[track_caller]
    pub fn expect_header_requests_to(&mut self, asked: Peer, blocks: &[BlockOf<Toy>]) -> Vec<Ask> {
        let mut asks = vec![None; blocks.len()];
        for _ in blocks {
            let next = self.outputs.pop_front();
            let Some(Output::RequestHeader { request, peer, hash }) = next else {
                panic!("expected a request for a header, found {next:?}");
            };
            let at = blocks.iter().position(|block| block.hash() == hash).expect("one of these blocks");
            assert_eq!(peer, asked, "another peer was asked");
            assert_eq!(asks[at].replace(Ask { peer, request }), None, "asked for twice");
        }
        asks.into_iter().flatten().collect()
    }

    #[track_caller]
    pub fn expect_header_request_for(&mut self, wanted: BlockHash) -> Ask {
        match self.outputs.pop_front() {
            Some(Output::RequestHeader { request, peer, hash }) if hash == wanted => Ask { peer, request },
            other => panic!("expected a request for the header of {wanted}, found {other:?}"),
        }
    }

    /// For the bodies of just these blocks, in whatever order.
    #[track_caller]
    pub fn expect_body_request(&mut self, blocks: &[&BlockOf<Toy>]) -> Ask {
        let wanted: BTreeSet<_> = blocks.iter().map(|block| block.hash()).collect();
        match self.outputs.pop_front() {
            Some(Output::RequestBodies { request, peer, hashes })
                if hashes.len() == wanted.len() && hashes.iter().all(|hash| wanted.contains(hash)) =>
            {
                Ask { peer, request }
            }
            other => panic!("expected a request for the bodies of {wanted:?}, found {other:?}"),
        }
    }

    #[track_caller]
    pub fn expect_body_request_to(&mut self, peer: Peer, blocks: &[&BlockOf<Toy>]) -> Ask {
        let ask = self.expect_body_request(blocks);
        assert_eq!(ask.peer, peer, "another peer was asked");
        ask
    }

    #[track_caller]
    pub fn expect_cancel(&mut self, ask: Ask) {
        match self.outputs.pop_front() {
            Some(Output::Cancel { request, peer }) if Ask { peer, request } == ask => {}
            other => panic!("expected that {ask:?} is cancelled, found {other:?}"),
        }
    }

    #[track_caller]
    pub fn expect_verify(&mut self, block: &BlockOf<Toy>) {
        match self.outputs.pop_front() {
            Some(Output::VerifyHeader { header }) if header == block.header => {}
            other => panic!("expected that block {} is verified, found {other:?}", block.number()),
        }
    }

    #[track_caller]
    pub fn expect_import(&mut self, block: &BlockOf<Toy>) {
        match self.outputs.pop_front() {
            Some(Output::Import { block: found }) => {
                assert_eq!((&found.header, &found.body), (&block.header, &block.body));
            }
            other => panic!("expected that block {} is imported, found {other:?}", block.number()),
        }
    }

    #[track_caller]
    pub fn expect_header_import(&mut self, block: &BlockOf<Toy>) {
        match self.outputs.pop_front() {
            Some(Output::ImportHeader { header }) if header == block.header => {}
            other => panic!("expected that header {} is imported, found {other:?}", block.number()),
        }
    }

    /// To whom.
    #[track_caller]
    pub fn expect_relay(&mut self, block: &BlockOf<Toy>) -> Vec<Peer> {
        self.take_relay(block).unwrap_or_else(|| panic!("expected a relay, found {:?}", self.outputs.front()))
    }

    /// To whom.
    #[track_caller]
    pub fn expect_announce(&mut self, block: &BlockOf<Toy>) -> Vec<Peer> {
        let announced = self.take_announce(block);
        announced.unwrap_or_else(|| panic!("expected an announcement, found {:?}", self.outputs.front()))
    }

    #[track_caller]
    pub fn expect_penalty(&mut self, culprit: Peer, what_for: Reason) {
        self.expect_penalty_of(culprit, what_for, Presence::Connected);
    }

    /// Of one that has left.
    #[track_caller]
    pub fn expect_late_penalty(&mut self, culprit: Peer, what_for: Reason) {
        self.expect_penalty_of(culprit, what_for, Presence::Gone);
    }

    #[track_caller]
    fn expect_penalty_of(&mut self, culprit: Peer, what_for: Reason, where_it_is: Presence) {
        match self.outputs.pop_front() {
            Some(Output::Penalise { peer, reason, presence })
                if (peer, reason, presence) == (culprit, what_for, where_it_is) => {}
            other => panic!("expected {what_for:?} laid on {culprit:?}, {where_it_is:?}, found {other:?}"),
        }
    }

    #[track_caller]
    pub fn expect_out_of_reach(&mut self, from: Peer, block: &BlockOf<Toy>) {
        match self.outputs.pop_front() {
            Some(Output::OutOfReach { hash, number, peer })
                if (hash, number, peer) == (block.hash(), block.number(), from) => {}
            other => panic!("expected that block {} is out of reach, found {other:?}", block.number()),
        }
    }

    #[track_caller]
    pub fn expect_event(&mut self, expected: &Event<Peer>) {
        match self.outputs.pop_front() {
            Some(Output::Event(event)) if event == *expected => {}
            other => panic!("expected {expected:?}, found {other:?}"),
        }
    }

    /// All that the fetcher said, for a test that counts rather than expects.
    pub fn drain(&mut self) -> Vec<Output<Toy>> {
        self.outputs.drain(..).collect()
    }

    /// Puts back what [`drain`](Self::drain) took, to be expected one by one.
    pub fn put_back(&mut self, outputs: Vec<Output<Toy>>) {
        self.outputs.extend(outputs);
    }

    /// Nothing more than what was expected already.
    #[track_caller]
    pub fn assert_quiet(&self) {
        assert!(self.outputs.is_empty(), "unexpected: {:#?}", self.outputs);
    }

    /// Nothing is held, asked, counted or waited for.
    #[track_caller]
    pub fn assert_at_rest(&self) {
        self.assert_quiet();
        assert!(self.under_way.is_empty(), "answers are still under way");
        let status = self.status();
        assert_eq!((status.entries, status.requests, status.bytes_held), (0, 0, 0), "{status:#?}");
        assert_eq!(status.next_timeout, None);
        assert_eq!(status.stages, [0; 6]);
        for peer in status.peers {
            let PeerStatus { announcements, blocks, bytes, requests, deferred, .. } = peer;
            assert_eq!((announcements, blocks, bytes, requests, deferred), (0, 0, 0, 0, 0), "{peer:?}");
        }
    }

    pub(crate) fn take_body_request(&mut self, block: &BlockOf<Toy>) -> Option<Ask> {
        let asked = matches!(self.outputs.front(), Some(Output::RequestBodies { .. }));
        asked.then(|| self.expect_body_request(&[block]))
    }

    pub(crate) fn take_relay(&mut self, block: &BlockOf<Toy>) -> Option<Vec<Peer>> {
        let next = self.next_if(
            |output| matches!(output, Output::Relay { block: relayed, .. } if relayed.hash() == block.hash()),
        )?;
        if let Output::Relay { peers, .. } = next { Some(peers) } else { None }
    }

    pub(crate) fn take_announce(&mut self, block: &BlockOf<Toy>) -> Option<Vec<Peer>> {
        let next =
            self.next_if(|output| matches!(output, Output::Announce { hash, .. } if *hash == block.hash()))?;
        if let Output::Announce { peers, .. } = next { Some(peers) } else { None }
    }

    /// The next output, taken if it is as `wanted`.
    fn next_if(&mut self, wanted: impl FnOnce(&Output<Toy>) -> bool) -> Option<Output<Toy>> {
        if self.outputs.front().is_some_and(wanted) { self.outputs.pop_front() } else { None }
    }
}
