//! How messages travel: uplink, propagation, downlink, loss, and connections that are cut.
//!
//! The model is written down in docs/simnet.md; what is here must say the same.

use std::collections::BTreeMap;

use herald_fetcher::{Input, Time};

use crate::engine::Concern;
use crate::measure::MessageKind;
use crate::model::block::PeerId;
use crate::model::chain::NodeId;
use crate::policy::Machine;
use crate::scenario::units::BitRate;
use crate::scenario::{Scenario, SmallMessages};

use super::World;
use super::event::{ArrivalStage, SimMessage, WorldEvent};
use super::link::{LinkEnd, LinkState, Route, WireState};

/// What the network keeps beside links and nodes.
#[derive(Debug)]
pub(crate) struct Net {
    up: Vec<BitRate>,
    down: Vec<BitRate>,
    /// Millionths by which a latency may differ.
    jitter_ppm: u64,
    /// A draw below this is a loss.
    loss_below: u64,
    /// What was sent into a cut, by the sender's end, until the cut heals or the connection times out.
    stalled: BTreeMap<PeerId, Vec<SimMessage>>,
    /// The partitions that are on.
    pub(super) active: Vec<u8>,
}

/// A message with what is the same for all peers that it is sent to, computed once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PreparedMessage {
    message: SimMessage,
    kind: MessageKind,
    /// What it is, for the draws that belong to it.
    what: u64,
    bytes: u64,
    overtakes: bool,
}

/// How long it takes to open a connection again: dialling and a handshake.
pub(crate) const RECONNECT: core::time::Duration = core::time::Duration::from_secs(1);

impl Net {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        Self {
            up: scenario.regions.up.clone(),
            down: scenario.regions.down.clone(),
            jitter_ppm: (scenario.links.jitter * 1e6) as u64,
            loss_below: (scenario.links.loss * 2f64.powi(64)) as u64,
            stalled: BTreeMap::new(),
            active: Vec::new(),
        }
    }

    fn up(&self, region: u8) -> BitRate {
        *self.up.get(usize::from(region)).expect("regions have been checked")
    }

    fn down(&self, region: u8) -> BitRate {
        *self.down.get(usize::from(region)).expect("regions have been checked")
    }
}

impl<M: Machine> World<'_, M> {
    /// Sends a message to a peer. Without a connection it goes nowhere.
    pub(super) fn send(&mut self, peer: PeerId, message: SimMessage) {
        let prepared = self.prepare(message);
        self.send_prepared(peer, prepared);
    }

    /// Computes what is the same for all peers that a message is sent to.
    pub(super) fn prepare(&self, message: SimMessage) -> PreparedMessage {
        let bytes = message.bytes(&self.scenario.wire, &self.blocks, &self.lists);
        let overtakes = message.is_small() && self.scenario.links.small_messages == SmallMessages::Overtake;
        PreparedMessage { message, kind: message.kind(), what: message.words()[0], bytes, overtakes }
    }

    /// As [`send`](Self::send), for a message that goes to several peers.
    pub(super) fn send_prepared(&mut self, peer: PeerId, prepared: PreparedMessage) {
        let (end, route) = (*self.near_end(peer), *self.route(peer));
        match (end.state, route.wire) {
            (LinkState::Up, WireState::Whole) => self.transmit(peer, end, route, prepared),
            (LinkState::Up, WireState::Cut) => {
                self.net.stalled.entry(peer).or_default().push(prepared.message);
            }
            (LinkState::Down | LinkState::Banned, _) => self.lose(prepared.message),
        }
    }

    fn transmit(&mut self, peer: PeerId, end: LinkEnd, route: Route, prepared: PreparedMessage) {
        let PreparedMessage { message, kind, what, bytes, overtakes } = prepared;
        self.recorder.sent(kind, bytes);
        let now = self.now;
        let LinkEnd { owner: sender, epoch, from: receiver, .. } = end;
        let on_wire = self.net.up(self.node(sender).region).time_for(bytes);
        let node = self.node_mut(sender);
        node.sent += bytes;
        let start = if overtakes {
            let start = node.up_small_free.max(now);
            node.up_small_free = later(start, on_wire);
            if node.up_free > now {
                // What overtakes takes its time from what it overtakes.
                node.up_free = later(node.up_free, on_wire);
            }
            start
        } else {
            let start = node.up_free.max(node.up_small_free).max(now);
            node.up_free = later(start, on_wire);
            start
        };
        let Some(delay) = self.propagation(peer, what, epoch, route.latency) else {
            return self.break_down(peer, message);
        };
        let first_bit = later(start, delay);
        let (at, stage) = if overtakes {
            let taking = self.net.down(receiver).time_for(bytes).max(on_wire);
            (later(first_bit, taking), ArrivalStage::Received)
        } else {
            (first_bit, ArrivalStage::AtDownlink)
        };
        self.queue.push(at, WorldEvent::Arrive { peer: route.reverse, epoch, at: stage, message });
    }

    /// From one end to the other: the latency with its jitter, and the time that losses cost. `None`
    /// where a message was lost so often that its connection is given up.
    fn propagation(&self, peer: PeerId, what: u64, epoch: u16, latency: u32) -> Option<u64> {
        let latency = u64::from(latency);
        let mut delay = latency;
        if self.net.jitter_ppm > 0 {
            let word = self.draw(Concern::Jitter, u64::from(peer.0), what) >> 32;
            // Evenly between latency less jitter and latency plus jitter, in whole nanoseconds.
            let width = 2 * latency * self.net.jitter_ppm / 1_000_000;
            delay = latency - width / 2 + ((width * word) >> 32);
        }
        if self.net.loss_below > 0 && !self.is_link_spared(peer) {
            let mut wait = self.scenario.links.retransmit.nanos();
            let mut attempt = 0;
            // By the connection too: what was lost on the last one must not be lost for ever.
            let key = what.rotate_left(17) ^ u64::from(epoch);
            while self.draw(Concern::Loss, u64::from(peer.0) | attempt << 32, key) < self.net.loss_below {
                if attempt >= u64::from(self.scenario.links.retransmissions_max) {
                    return None;
                }
                delay = delay.saturating_add(wait);
                wait = wait.saturating_mul(2);
                attempt += 1;
            }
        }
        Some(delay)
    }

    /// A message was lost for good: both ends give the connection up, and try anew later.
    fn break_down(&mut self, peer: PeerId, message: SimMessage) {
        self.lose(message);
        let (epoch, reverse) = (self.near_end(peer).epoch, self.route(peer).reverse);
        let at = self.now.after(self.scenario.links.connection_timeout.duration());
        for end in [peer, reverse] {
            self.queue.push(at, WorldEvent::Gone { peer: end, epoch });
        }
        self.queue.push(at.after(RECONNECT), WorldEvent::Open { peer });
    }

    /// A message has reached its receiver's downlink, or has been received.
    pub(super) fn arrive(
        &mut self,
        peer: PeerId,
        epoch: u16,
        stage: ArrivalStage,
        message: SimMessage,
    ) -> Option<NodeId> {
        let end = *self.near_end(peer);
        if end.state != LinkState::Up || end.epoch != epoch {
            self.lose(message);
            return None;
        }
        let receiver = end.owner;
        match stage {
            ArrivalStage::AtDownlink => {
                let bytes = message.bytes(&self.scenario.wire, &self.blocks, &self.lists);
                let on_wire = self.net.up(end.from).time_for(bytes);
                let taking = self.net.down(self.setup.region(receiver)).time_for(bytes);
                let now = self.now;
                let ingress = self.ingress_mut(receiver);
                let free = later(ingress.down_free.max(now), taking);
                ingress.down_free = free;
                let at = free.max(later(now, on_wire));
                self.queue.push(at, WorldEvent::Arrive { peer, epoch, at: ArrivalStage::Received, message });
                None
            }
            ArrivalStage::Received => {
                let bytes = message.bytes(&self.scenario.wire, &self.blocks, &self.lists);
                let of_blocks = message.block_bytes(&self.blocks, &self.lists);
                let measuring = self.recorder.is_measuring();
                let ingress = self.ingress_mut(receiver);
                ingress.received += bytes;
                if measuring {
                    ingress.blocks += of_blocks;
                }
                self.receive(receiver, peer, message);
                Some(receiver)
            }
        }
    }

    /// A message comes to nothing.
    pub(super) fn lose(&mut self, message: SimMessage) {
        self.recorder.lost(message.kind());
        if let Some(list) = message.list() {
            let _ = self.lists.take(list);
        }
    }

    /// All links whose ends are online at the start.
    pub(super) fn connect_all(&mut self) {
        for index in 0..self.ends.len() {
            let peer = PeerId(index as u32);
            if self.ingress(self.route(peer).to).online && self.ingress(self.owner(peer)).online {
                self.near_end_mut(peer).state = LinkState::Up;
                self.greet(peer);
            }
        }
    }

    /// Makes a connection anew, and both ends say what they have.
    pub(super) fn open(&mut self, peer: PeerId) {
        let reverse = self.route(peer).reverse;
        let (near, far) = (*self.near_end(peer), *self.near_end(reverse));
        let both_there = self.ingress(near.owner).online && self.ingress(far.owner).online;
        let refused = [peer, reverse].iter().any(|&end| {
            self.near_end(end).state == LinkState::Banned || self.route(end).wire == WireState::Cut
        });
        if !both_there || refused || (near.state, far.state) == (LinkState::Up, LinkState::Up) {
            return;
        }
        // An end that has not yet noticed that the old connection is gone learns it now.
        for end in [peer, reverse] {
            self.hang_up(end, LinkState::Down);
        }
        let epoch = near.epoch.max(far.epoch).wrapping_add(1);
        for end in [peer, reverse] {
            let near = self.near_end_mut(end);
            (near.state, near.epoch) = (LinkState::Up, epoch);
            self.greet(end);
        }
        for end in [peer, reverse] {
            let head = self.node(self.owner(end)).chain.head();
            self.send(end, SimMessage::Status { head });
        }
    }

    fn greet(&mut self, peer: PeerId) {
        let _ = self.tell(self.owner(peer), Input::PeerConnected { peer });
    }

    /// This end finds that the connection is gone.
    pub(super) fn gone(&mut self, peer: PeerId, epoch: u16) -> Option<NodeId> {
        if self.near_end(peer).epoch != epoch {
            return None;
        }
        self.hang_up(peer, LinkState::Down);
        Some(self.owner(peer))
    }

    /// Closes this end.
    pub(super) fn hang_up(&mut self, peer: PeerId, state: LinkState) {
        if self.near_end(peer).state != LinkState::Up {
            return;
        }
        self.near_end_mut(peer).state = state;
        for message in self.net.stalled.remove(&peer).unwrap_or_default() {
            self.lose(message);
        }
        let owner = self.owner(peer);
        self.watch_gone(owner, peer);
        if self.ingress(owner).online {
            let _ = self.tell(owner, Input::PeerGone { peer });
            self.peer_of_range_gone(owner, peer);
        }
    }

    /// The other end learns after the latency that this one has hung up.
    pub(super) fn close_far_end(&mut self, peer: PeerId) {
        let (epoch, route) = (self.near_end(peer).epoch, *self.route(peer));
        let at = later(self.now, u64::from(route.latency));
        self.queue.push(at, WorldEvent::Gone { peer: route.reverse, epoch });
    }

    /// A partition falls through this direction of a link: what is in flight is lost, and what is sent
    /// from now on waits.
    pub(super) fn cut(&mut self, peer: PeerId) {
        let timeout = self.now.after(self.scenario.links.connection_timeout.duration());
        let reverse = self.route(peer).reverse;
        let epoch = self.near_end(peer).epoch.wrapping_add(1);
        self.route_mut(peer).wire = WireState::Cut;
        for end in [peer, reverse] {
            // Without acknowledgements, neither direction of a connection lives.
            self.near_end_mut(end).epoch = epoch;
            self.queue.push(timeout, WorldEvent::Gone { peer: end, epoch });
        }
    }

    /// The partition is over: what still waits is sent, and what was given up is opened anew.
    pub(super) fn heal(&mut self, peer: PeerId) {
        self.route_mut(peer).wire = WireState::Whole;
        let reverse = self.route(peer).reverse;
        if self.route(reverse).wire == WireState::Cut {
            return;
        }
        let both_up = [peer, reverse].iter().all(|&end| self.near_end(end).state == LinkState::Up);
        if both_up {
            let epoch = self.near_end(peer).epoch.wrapping_add(1);
            for end in [peer, reverse] {
                // The timeout that the cut planned is void.
                self.near_end_mut(end).epoch = epoch;
            }
            for end in [peer, reverse] {
                for message in self.net.stalled.remove(&end).unwrap_or_default() {
                    self.send(end, message);
                }
            }
        } else {
            self.queue.push(self.now.after(RECONNECT), WorldEvent::Open { peer });
        }
    }
}

/// Some nanoseconds later.
pub(crate) fn later(at: Time, nanos: u64) -> Time {
    Time::from_nanos(at.as_nanos().saturating_add(nanos))
}
