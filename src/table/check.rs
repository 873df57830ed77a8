//! Computes every index and counter anew from the entries, and compares.

use core::fmt;

use crate::Config;
use crate::output::{Presence, StageName};
use crate::types::Types;

use super::{Asked, Charged, EntryId, Origin, Orphaned, PeerSlot, QueueWait, Stage, Step, Table, Work};

/// An index or a counter that does not agree with the entries: a defect of this crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvariantError(pub(crate) &'static str);

impl fmt::Display for InvariantError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the fetcher's table is inconsistent: {}; please report this as a bug", self.0)
    }
}

impl core::error::Error for InvariantError {}

type Checked = Result<(), InvariantError>;

fn demand(holds: bool, what: &'static str) -> Checked {
    if holds { Ok(()) } else { Err(InvariantError(what)) }
}

impl<T: Types> Table<T> {
    /// Whether all indexes, counters and limits hold. Linear in what is held.
    pub(crate) fn check(&self, config: &Config) -> Checked {
        match &self.work {
            Some(work) => self.check_work(work, config)?,
            None => demand(self.ledger.total() == 0, "bytes are held, and nothing is followed")?,
        }
        demand(self.names.len() == self.peers().count(), "names and peers differ in number")?;
        for (key, _) in &self.peers {
            self.check_peer(PeerSlot::new(key), config)?;
        }
        Ok(())
    }

    fn check_work(&self, work: &Work<T>, config: &Config) -> Checked {
        demand(
            work.relieved_peers.is_empty(),
            "a limit of a peer gave way, and what waits for it was not taken up",
        )?;
        demand(work.alarms.is_sound(), "the alarms' heap is out of order")?;
        demand(work.by_hash.len() == work.entries.len(), "hashes and entries differ in number")?;
        self.check_totals(work)?;
        for (key, _) in &work.entries {
            self.check_entry(work, EntryId::new(key))?;
            self.check_wanting(EntryId::new(key), config)?;
        }
        self.check_requests(work)
    }

    fn check_totals(&self, work: &Work<T>) -> Checked {
        for stage in StageName::ALL {
            let count = work.entries.iter().filter(|(_, entry)| entry.stage.name() == stage).count();
            demand(self.in_stage(stage) as usize == count, "a stage's count is wrong")?;
        }
        let stages = || work.entries.iter().map(|(_, entry)| &entry.stage);
        let parents = stages().filter(|stage| stage.awaited_parent().is_some()).count();
        demand(work.by_parent.count() == parents, "parents awaited by nobody")?;
        let bodies = stages().filter(|stage| stage.awaited_body().is_some()).count();
        demand(work.by_body.count() == bodies, "bodies awaited by nobody")?;
        let numbers = stages().filter(|stage| stage.watched_number().is_some()).count();
        demand(work.by_number.len() == numbers, "numbers watched by nobody")?;
        let turns =
            stages().filter(|stage| matches!(stage, Stage::Queued { wait: QueueWait::Turn, .. })).count();
        demand(work.ready.len() == turns, "turns awaited by nobody")?;
        let wanting = stages().filter(|stage| stage.wants_request()).count();
        demand(work.wanting as usize == wanting, "the entries that want a request are wrong")?;
        let barred = stages().filter(|stage| stage.orphaned() == Some(Orphaned::NoAllowance)).count();
        demand(work.barred as usize == barred, "the orphans without an allowance are wrong")?;
        let claims: usize = work.entries.iter().map(|(_, entry)| entry.claims.len() as usize).sum();
        demand(work.claims.len() == claims, "claims without an entry")?;
        let held: u64 = stages().filter_map(Stage::charge).map(|charge| charge.bytes).sum();
        demand(self.ledger.total() == held, "the bytes in all are wrong")?;
        let beyond: u64 = work.loads.iter().map(|load| self.ledger.beyond(load.bytes)).sum();
        demand(self.ledger.shared_used() == beyond, "the shared bytes are wrong")
    }

    fn check_entry(&self, work: &Work<T>, id: EntryId) -> Checked {
        let Some(entry) = self.entry(id) else { return demand(false, "an entry is gone") };
        demand(self.find(&entry.hash) == Some(id), "an entry is not found by its hash")?;
        let busy = Step::is_with_host;
        let importing = matches!(&entry.stage, Stage::Importing { step, .. } if busy(*step));
        demand(
            work.alarms.of(id).is_some() != importing,
            "an entry waits without an alarm, or is importing with one",
        )?;
        let late = work.alarms.of(id).is_some_and(|time| time > entry.expires);
        demand(!late, "an alarm lies after the entry's end")?;
        if let Some(parent) = entry.stage.awaited_parent() {
            let there = self.children_of(&parent).contains(&id);
            demand(there, "an entry is not found by its parent")?;
            let followed = self.find(&parent).is_some();
            demand(
                followed != entry.stage.orphaned().is_some(),
                "a block waits for a parent that is not followed, or is an orphan though it is",
            )?;
        }
        if let Some(body) = entry.stage.awaited_body() {
            let there = self.awaiting_body(&body).contains(&id);
            demand(there, "an entry is not found by its body")?;
        }
        if let Some(number) = entry.stage.watched_number() {
            demand(work.by_number.contains(&(number, id)), "an entry is not found by its number")?;
        }
        let asking = matches!(entry.stage, Stage::Fetching { .. } | Stage::Completing { .. });
        demand(
            !asking || !entry.stage.requests().is_empty(),
            "an entry waits for a reply, but nobody is asked",
        )?;
        for request in entry.stage.requests() {
            let there = self.request(request).is_some_and(|request| request.entries.contains(&id));
            demand(there, "an entry waits for a request that is not for it")?;
        }
        let mut claimers: Vec<_> = self.claims_of(id).map(|(_, claim)| claim.peer).collect();
        claimers.sort_unstable();
        demand(claimers.is_sorted_by(|a, b| a < b), "a peer has two claims to one entry")
    }

    /// Whoever could be asked for what an entry wants is asked.
    fn check_wanting(&self, id: EntryId, config: &Config) -> Checked {
        let Some(stage) = self.stage(id).filter(|stage| stage.wants_request()) else { return Ok(()) };
        let requests = stage.requests();
        let is_asked = |slot: PeerSlot| {
            let open = requests.iter().filter_map(|request| self.request(*request));
            open.into_iter().any(|open| open.peer == slot && Some(open.asked) == stage.asks_for())
        };
        let mut claims = self.claims_of(id).map(|(_, claim)| claim);
        let idle = claims.any(|claim| {
            claim.is_askable()
                && !is_asked(claim.peer)
                && self.load(claim.peer).requests < config.requests_per_peer
        });
        demand(!idle, "an entry wants a request, and one who could be asked is not")
    }

    fn check_peer(&self, slot: PeerSlot, config: &Config) -> Checked {
        let Some(peer) = self.peer(slot) else { return demand(false, "a peer is gone") };
        let load = self.load(slot);
        let entries = || self.work.iter().flat_map(|work| &work.entries);
        let stages = || entries().map(|(_, entry)| &entry.stage);
        let charges = || stages().filter_map(Stage::charge).filter(|charge| charge.peer == slot);
        demand(charges().map(|charge| charge.bytes).sum::<u64>() == load.bytes, "a peer's bytes are wrong")?;
        let blocks = charges().filter(|charge| charge.what == Charged::Block).count();
        demand(blocks == load.blocks as usize, "a peer's blocks are wrong")?;
        let claims = self.claims_by(slot).filter(|(_, claim)| claim.peer == slot).count();
        demand(claims == load.claims.len() as usize, "a peer's claims are wrong")?;
        let announced = self.claims_by(slot).filter(|(_, claim)| claim.origin != Origin::Pushed).count();
        demand(announced == load.announced as usize, "a peer's announcements are wrong")?;
        let requests = self
            .work
            .iter()
            .flat_map(|work| work.requests.iter())
            .filter(|(_, request)| request.peer == slot)
            .count();
        demand(requests == load.requests as usize, "a peer's requests are wrong")?;
        let deferred = stages().filter(|stage| stage.deferred_by() == Some(slot)).count();
        demand(deferred == load.deferred as usize, "a peer's deferred blocks are wrong")?;
        let within = load.announced <= config.announcements_per_peer
            && load.blocks <= config.blocks_per_peer
            && load.bytes <= config.bytes_per_peer
            && load.requests <= config.requests_per_peer
            && load.deferred <= config.deferred_per_peer;
        demand(within, "a peer is over a limit")?;
        let named = self.find_peer(&peer.id) == Some(slot);
        match peer.presence {
            Presence::Connected => demand(named, "a peer is not found by its name"),
            Presence::Gone => demand(
                load.blocks > 0 && load.requests == 0 && claims == 0,
                "a peer that is gone is still waited for",
            ),
        }
    }

    fn check_requests(&self, work: &Work<T>) -> Checked {
        for (id, request) in work.requests.iter() {
            demand(!request.entries.is_empty(), "a request is for nothing")?;
            demand(self.peer(request.peer).is_some(), "a request is at a peer that is gone")?;
            demand(
                request.asked == Asked::Bodies || request.entries.len() == 1,
                "a header request is for several",
            )?;
            for &entry in &request.entries {
                let there = self.stage(entry).is_some_and(|stage| stage.requests().contains(&id));
                demand(there, "a request is for an entry that does not wait for it")?;
            }
        }
        Ok(())
    }
}
