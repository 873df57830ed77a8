//! Predicates over what a machine follows, for runs that check: does each hash end in its time, was
//! there really nobody left to ask, and was there really something to wait for?

use std::collections::{BTreeMap, BTreeSet};

use herald_fetcher::{Admission, BlockHash, End, Event, StageName, Time};

use crate::model::block::{BlockIndex, PeerId};
use crate::model::chain::NodeId;
use crate::policy::{LifetimePromise, Machine};

use super::World;
use super::life::Life;

/// What each node follows.
#[derive(Debug, Default)]
pub(crate) struct LifetimeWatch {
    followed: BTreeMap<(NodeId, BlockIndex), Followed>,
    /// For each node, a time before which nothing that it follows has to end: most events need look
    /// no further.
    quiet_until: Vec<Time>,
}

/// One hash at one node.
#[derive(Debug)]
struct Followed {
    /// Honest peers that announced it and were never asked for it.
    unasked: BTreeSet<PeerId>,
    asked: BTreeSet<PeerId>,
    /// Where it is.
    stage: StageName,
    life: Life,
}

impl LifetimeWatch {
    /// All that a node follows.
    fn of(&self, id: NodeId) -> impl Iterator<Item = (BlockIndex, &Followed)> {
        let range = (id, BlockIndex(0))..=(id, BlockIndex(u32::MAX));
        self.followed.range(range).map(|(&(_, block), followed)| (block, followed))
    }

    /// Something that a node follows may have to end by `time`.
    fn look_by(&mut self, id: NodeId, time: Time) {
        if self.quiet_until.len() <= id.index() {
            self.quiet_until.resize(id.index() + 1, Time::MAX);
        }
        if let Some(until) = self.quiet_until.get_mut(id.index()) {
            *until = time.min(*until);
        }
    }
}

impl<M: Machine> World<'_, M> {
    /// Whether the run holds its machines to when a hash ends.
    fn watches(&self) -> bool {
        self.scenario.check_stride > 0 && M::LIFETIME_PROMISE == LifetimePromise::Made
    }

    /// A node took a peer's announcement.
    pub(super) fn watch_announced(
        &mut self,
        id: NodeId,
        peer: PeerId,
        block: BlockIndex,
        admission: Admission,
    ) {
        let honest = self.ingress(self.route(peer).to).hostile.is_none();
        if self.watches() && honest && admission.is_taken() {
            let Some(followed) = self.watch.followed.get_mut(&(id, block)) else { return };
            if !followed.asked.contains(&peer) {
                followed.unasked.insert(peer);
            }
        }
    }

    /// A node asks a peer.
    pub(super) fn watch_asked(&mut self, id: NodeId, peer: PeerId, block: BlockIndex) {
        if let Some(followed) = self.watch.followed.get_mut(&(id, block)) {
            followed.unasked.remove(&peer);
            followed.asked.insert(peer);
        }
    }

    /// A peer of a node is gone: what it said counts no more.
    pub(super) fn watch_gone(&mut self, id: NodeId, peer: PeerId) {
        if !self.watches() {
            return;
        }
        let range = (id, BlockIndex(0))..=(id, BlockIndex(u32::MAX));
        for (_, followed) in self.watch.followed.range_mut(range) {
            followed.unasked.remove(&peer);
        }
    }

    /// A node goes, and its machine with it.
    pub(super) fn watch_down(&mut self, id: NodeId) {
        let followed: Vec<BlockIndex> = self.watch.of(id).map(|(block, _)| block).collect();
        for block in followed {
            self.watch.followed.remove(&(id, block));
        }
    }

    /// A machine tells of a step.
    pub(super) fn watch_event(&mut self, id: NodeId, event: &Event<PeerId>) {
        if !self.watches() {
            return;
        }
        let (Event::Entered { hash, .. } | Event::Ended { hash, .. }) = event;
        let Some(block) = self.blocks.find(hash) else { return };
        if let Some(followed) = self.watch.followed.get(&(id, block))
            && followed.stage != StageName::Importing
            && followed.life.latest() < self.now
        {
            self.violate(Some(id), outlived(hash, followed));
        }
        match event {
            Event::Entered { stage, .. } => self.watch_entered(id, block, *stage),
            Event::Ended { end, .. } => self.watch_ended(id, block, *end),
        }
    }

    fn watch_entered(&mut self, id: NodeId, block: BlockIndex, stage: StageName) {
        let (now, config) = (self.now, &*self.config);
        let due = super::net::later(self.blocks.get(block).sealed_at, self.setup.skew(id));
        let followed = self.watch.followed.entry((id, block)).or_insert_with(|| Followed {
            unasked: BTreeSet::new(),
            asked: BTreeSet::new(),
            stage,
            life: Life::begin(now, config),
        });
        followed.stage = stage;
        match (stage, followed.life.with_host()) {
            (StageName::Importing, _) => followed.life.hand_over(now),
            // The only way back from the host is that it says "later".
            (_, Some(_)) => followed.life.come_back(now, due, config),
            (_, None) => {}
        }
        let life = followed.life;
        self.watch.look_by(id, self.latest(id, block, &life));
    }

    fn watch_ended(&mut self, id: NodeId, block: BlockIndex, end: End) {
        let Some(Followed { unasked, stage, .. }) = self.watch.followed.remove(&(id, block)) else { return };
        match end {
            // Above the window nobody is asked yet, and each peer keeps only so many hashes for later.
            End::NobodyLeft if !unasked.is_empty() && !self.is_above_window(id, block) => {
                self.violate(Some(id), "nobody was left to ask, but an honest announcer never was".into());
            }
            End::Expired if stage == StageName::Queued && self.could_have_gone_on(id, block) => {
                let what = "a block's life ended while it was whole, its parent here and a turn free";
                self.violate(Some(id), what.into());
            }
            End::NobodyLeft
            | End::Expired
            | End::Imported
            | End::InChain
            | End::Passed
            | End::Invalid
            | End::TooFarInFuture
            | End::NoCapacity
            | End::BadBody
            | End::LocalFault
            | End::Shutdown => {}
        }
    }

    /// Something happened at a node: what had to end before must be gone.
    pub(super) fn watch_lives(&mut self, id: NodeId) {
        self.watch_lives_at(id, self.now);
    }

    /// The run is over: what had to end within it must be gone, even where nothing happened any more.
    pub(super) fn watch_end(&mut self) {
        let over = self.queue.peek_time().is_none_or(|at| at > self.end);
        let now = if over { self.end.max(self.now) } else { self.now };
        for index in 0..self.watch.quiet_until.len() as u32 {
            self.watch_lives_at(NodeId(index), now);
        }
    }

    fn watch_lives_at(&mut self, id: NodeId, now: Time) {
        if self.watch.quiet_until.get(id.index()).is_none_or(|until| now <= *until) {
            return;
        }
        let mut quiet_until = Time::MAX;
        let mut late = None;
        for (block, followed) in self.watch.of(id) {
            let latest = self.latest(id, block, &followed.life);
            quiet_until = quiet_until.min(latest);
            if latest < now && late.is_none() {
                late = Some(outlived(&self.blocks.get(block).hash, followed));
            }
        }
        if let Some(until) = self.watch.quiet_until.get_mut(id.index()) {
            *until = quiet_until;
        }
        if let Some(what) = late {
            self.violate(Some(id), what);
        }
    }

    /// Until when a node may follow a hash. One with the host ends, or waits on, when the host answers.
    fn latest(&self, id: NodeId, block: BlockIndex, life: &Life) -> Time {
        match life.with_host() {
            None => life.latest(),
            Some(_) if self.node(id).importing.contains(&block) => self.node(id).import_free,
            Some(since) => since.after(self.scenario.chain.header_check.duration()),
        }
    }

    fn is_above_window(&self, id: NodeId, block: BlockIndex) -> bool {
        self.blocks.get(block).number > self.node(id).chain.head_number() + self.config.window_above
    }

    /// Whether a whole block waited for nothing.
    fn could_have_gone_on(&self, id: NodeId, block: BlockIndex) -> bool {
        let data = self.blocks.get(block);
        let node = self.node(id);
        let head = node.chain.head_number();
        let within = data.number + self.config.window_below >= head
            && data.number <= head + self.config.window_above
            && (self.scenario.chain.finality_depth == 0
                || data.number + self.scenario.chain.finality_depth > head);
        let due = super::net::later(data.sealed_at, self.setup.skew(id)) <= self.now;
        let with_host = self.watch.of(id).filter(|(_, other)| other.stage == StageName::Importing).count();
        let turn = with_host < self.config.importing as usize;
        within && due && node.chain.has(data.parent) && turn
    }
}

/// What is to be said of a hash that is followed for too long.
fn outlived(hash: &BlockHash, followed: &Followed) -> String {
    let at = |time: Time| {
        let nanos = time.as_nanos();
        format!("{}.{:09} s", nanos / 1_000_000_000, nanos % 1_000_000_000)
    };
    let (stage, life) = (followed.stage.label(), &followed.life);
    match life.with_host() {
        Some(since) => {
            format!("block {hash} is still {stage}: the host has had it since {} and has answered", at(since))
        }
        None => {
            let (born, latest) = (at(life.born()), at(life.latest()));
            format!(
                "block {hash} outlives its time: {stage}, followed since {born}, it had to end by {latest}"
            )
        }
    }
}
