//! Whole blocks: waiting for parent, height, time or turn, and then with the host.

use core::time::Duration;

use smallvec::SmallVec;

use crate::Time;
use crate::bad::KnownFault;
use crate::input::{ChainView, Verdict};
use crate::output::{End, Output, Reason, StageName};
use crate::table::{Blame, EntryId, Held, Orphaned, QueueWait, Stage, Step, Wait, Whole};
use crate::types::{Block, BlockHash, BlockNumber, BlockOf, Header, Types};

use super::Fetcher;
use super::admit::Distance;

/// How long a block waits at least for which the host is not ready: one that says "at once" is not
/// asked all the time.
const RETRY_AFTER_MIN: Duration = Duration::from_millis(100);

/// How long a block waits at least that the host has called too early once before; twice as long
/// with each further time. Clocks that are slewed differ by less.
const EARLY_AGAIN: Duration = Duration::from_millis(10);

/// How long a block waits at least that the host has called too early so often before: the first time
/// the host's word is taken.
fn least_wait(early_verdicts: u8) -> Duration {
    match early_verdicts.checked_sub(1) {
        Some(again) => EARLY_AGAIN.saturating_mul(1 << again.min(31)),
        None => Duration::ZERO,
    }
}

impl<T: Types> Fetcher<T> {
    /// The host's answer to [`Output::VerifyHeader`]. One that was not asked for changes nothing.
    pub fn verdict(&mut self, now: Time, hash: BlockHash, verdict: Verdict, chain: &impl ChainView) {
        self.set_time(now);
        let found = self.table.find(&hash).and_then(|id| Some((id, self.table.stage(id)?)));
        let Some((id, &Stage::Importing { step: Step::Verifying(since), .. })) = found else {
            self.counters.answers_unexpected += 1;
            return;
        };
        self.table.postpone(id, self.now.since(since));
        match verdict {
            Verdict::Valid => self.relay_and_import(id),
            Verdict::Invalid => self.reject(id, Reason::InvalidHeader),
            Verdict::Future { wait } => self.keep_for(id, wait),
            Verdict::Retry { .. } | Verdict::BadBody | Verdict::LocalFault => self.end(id, End::LocalFault),
        }
        self.next_turns(chain);
        self.ask_relieved_peers();
    }

    /// The host's answer to [`Output::Import`]. One that was not asked for changes nothing.
    pub fn imported(&mut self, now: Time, hash: BlockHash, verdict: Verdict, chain: &impl ChainView) {
        self.set_time(now);
        let found = self.table.find(&hash).and_then(|id| Some((id, self.table.stage(id)?)));
        let Some((id, &Stage::Importing { step: Step::Importing(since), ref block })) = found else {
            self.counters.answers_unexpected += 1;
            return;
        };
        let (number, holder) = (block.value.number(), (block.peer, block.blame));
        match verdict {
            Verdict::Valid => {
                self.announce_imported(hash, number);
                self.end(id, End::Imported);
                self.wake_children(&hash, chain);
            }
            Verdict::Invalid => {
                self.known.remove(&hash);
                self.reject(id, Reason::InvalidBlock);
            }
            Verdict::Retry { after } => {
                self.table.postpone(id, self.now.since(since));
                self.table.set_step(id, Step::Waiting(self.now.after(after.max(RETRY_AFTER_MIN))));
                self.rearm(id);
            }
            Verdict::BadBody => {
                if let (slot, Blame::Provider) = holder {
                    self.penalise(slot, Reason::WrongBody);
                }
                self.fail_import(id, &hash, End::BadBody);
            }
            Verdict::Future { .. } | Verdict::LocalFault => self.fail_import(id, &hash, End::LocalFault),
        }
        self.next_turns(chain);
        self.ask_relieved_peers();
    }

    /// A block does not come into the chain, and is not known to be invalid: it may come again.
    fn fail_import(&mut self, id: EntryId, hash: &BlockHash, end: End) {
        self.known.remove(hash);
        self.end(id, end);
    }

    /// The host was not ready for a block, and is asked again: at the last moment of its life, too.
    pub(super) fn import_again(&mut self, id: EntryId, due: Time, chain: &impl ChainView) {
        let Some(Stage::Importing { block: Held { value, .. }, .. }) = self.table.stage(id) else { return };
        let (header, body) = (value.header.clone(), value.body.clone());
        let parent_is_here = chain.contains(&header.parent_hash());
        match self.distance(header.number(), chain) {
            Distance::Within | Distance::Above if due <= self.now && parent_is_here => {
                self.table.set_step(id, Step::Importing(self.now));
                self.rearm(id);
                self.output(match body {
                    Some(body) => Output::Import { block: Block { header, body } },
                    None => Output::ImportHeader { header },
                });
            }
            Distance::Within | Distance::Above => self.fail_import(id, &header.hash(), End::LocalFault),
            Distance::TooFar | Distance::BelowFinality => self.fail_import(id, &header.hash(), End::Passed),
        }
        self.next_turns(chain);
    }

    /// Blocks are in the chain, by whatever way. What was followed of them ends, what waited for
    /// them goes on, and the head is announced to those who lack it, if this node can serve it.
    pub fn chain_advanced(&mut self, now: Time, blocks: &[(BlockHash, BlockNumber)], chain: &impl ChainView) {
        self.set_time(now);
        if self.is_stopped() {
            return;
        }
        for (hash, _) in blocks {
            self.end_in_chain(hash);
            self.wake_children(hash, chain);
        }
        if let Some(&(hash, number)) = blocks.last()
            && number >= chain.head()
        {
            self.known.insert(hash);
            self.announce_imported(hash, number);
        }
        self.move_window(chain);
        self.next_turns(chain);
        self.ask_relieved_peers();
    }

    /// A block was made here, and is in the chain: it is relayed and announced.
    pub fn sealed(&mut self, now: Time, block: BlockOf<T>, chain: &impl ChainView) {
        self.set_time(now);
        if self.is_stopped() {
            return;
        }
        let (hash, number) = (block.header.hash(), block.header.number());
        self.end_in_chain(&hash);
        self.known.insert(hash);
        self.relay(hash, &block);
        self.announce_to_lacking(hash, number);
        self.wake_children(&hash, chain);
        self.move_window(chain);
        self.next_turns(chain);
        self.ask_relieved_peers();
    }

    /// A block came into the chain by another way: it is followed no more, and whoever has it is
    /// told nothing of it. One that is with the host ends by the host's answer.
    fn end_in_chain(&mut self, hash: &BlockHash) {
        let Some(id) = self.table.find(hash) else { return };
        if let Some(Stage::Importing { step, .. }) = self.table.stage(id)
            && step.is_with_host()
        {
            return;
        }
        let known = self.known.insert(*hash);
        for (_, claim) in self.table.claims_of(id) {
            self.known.mark(known, claim.peer);
        }
        self.end(id, End::InChain);
    }

    /// Hands a whole block to the host, or lets it wait for what it lacks.
    pub(super) fn settle(&mut self, id: EntryId, block: Held<Whole<T>>, chain: &impl ChainView) {
        let header = &block.value.header;
        let from = Some(block.peer);
        match self.distance(header.number(), chain) {
            Distance::Within => {}
            Distance::Above => {
                return self.defer(id, block);
            }
            Distance::TooFar | Distance::BelowFinality => return self.end(id, End::Passed),
        }
        if chain.contains(&header.parent_hash()) {
            return self.hand_over(id, block);
        }
        let wait = QueueWait::Orphan { searches: 0, until: self.now, cause: Orphaned::Lost };
        self.enter(id, Stage::Queued { block, wait }, from);
        self.seek_parent(id, chain);
    }

    /// Keeps a block until the window reaches it, within the allowance of its provider or of another
    /// who has it.
    fn defer(&mut self, id: EntryId, block: Held<Whole<T>>) {
        let provider = block.peer;
        self.enter(id, Stage::Queued { block, wait: QueueWait::Window }, Some(provider));
        let deferred = self.table.load(provider).deferred;
        if deferred > self.config.deferred_per_peer && !self.find_new_holder(id) {
            self.end(id, End::Passed);
        }
    }

    /// As [`settle`](Self::settle), for an entry that is queued already.
    pub(super) fn resettle(&mut self, id: EntryId, chain: &impl ChainView) {
        if let Some(Stage::Queued { block, .. }) = self.table.take_stage(id) {
            self.settle(id, block, chain);
        }
    }

    /// Hands a block to the host, or lets it wait for a turn.
    fn hand_over(&mut self, id: EntryId, block: Held<Whole<T>>) {
        let from = Some(block.peer);
        if self.table.in_stage(StageName::Importing) >= self.config.importing {
            return self.enter(id, Stage::Queued { block, wait: QueueWait::Turn }, from);
        }
        let header = block.value.header.clone();
        self.enter(id, Stage::Importing { block, step: Step::Verifying(self.now) }, from);
        self.output(Output::VerifyHeader { header });
    }

    /// Gives turns with the host that got free to the blocks that wait for one, lowest first.
    fn next_turns(&mut self, chain: &impl ChainView) {
        while self.table.in_stage(StageName::Importing) < self.config.importing {
            let Some(id) = self.table.next_ready() else { return };
            self.resettle(id, chain);
        }
    }

    /// The header is valid: the block goes to some of the peers, and to the host for its import.
    fn relay_and_import(&mut self, id: EntryId) {
        let Some(Stage::Importing { block: Held { value, peer, .. }, .. }) = self.table.stage(id) else {
            return;
        };
        let (hash, provider) = (value.header.hash(), *peer);
        let (header, body) = (value.header.clone(), value.body.clone());
        self.note_fullness(&header);
        let claims: SmallVec<[_; 8]> = self.table.claims_of(id).map(|(claim, c)| (claim, c.peer)).collect();
        let known = self.known.insert(hash);
        if self.table.is_connected(provider) {
            self.known.mark(known, provider);
        }
        for &(_, slot) in &claims {
            self.known.mark(known, slot);
        }
        for (claim, _) in claims {
            self.table.remove_claim(claim);
        }
        self.table.set_step(id, Step::Importing(self.now));
        match body {
            Some(body) => {
                let block = Block { header, body };
                self.relay(hash, &block);
                self.output(Output::Import { block });
            }
            None => self.output(Output::ImportHeader { header }),
        }
    }

    /// Takes a block into the share of those that have a body worth asking for. Only verified ones:
    /// headers that stand on nothing can be made up by the thousand.
    fn note_fullness(&mut self, header: &T::Header) {
        match T::empty_body(header) {
            Some(_) => self.full_share -= self.full_share.div_ceil(8),
            None => self.full_share += (u8::MAX - self.full_share).div_ceil(8),
        }
    }

    /// A block that is valid but for our clock waits for its time; nobody is to blame.
    ///
    /// The host's time with it does not count against its life, so that a host that goes on saying
    /// "now" of a block whose time has come would verify it for ever: the wait at least doubles.
    fn keep_for(&mut self, id: EntryId, wait: Duration) {
        let Some(entry) = self.table.entry(id) else { return };
        let wait = wait.max(least_wait(entry.early_verdicts));
        let until = self.now.after(wait);
        let last = entry.born.after(self.config.lifetime).after(self.config.future_max);
        let expires = entry.expires.max(until);
        if wait > self.config.future_max || self.now >= last || until > last {
            return self.end(id, End::TooFarInFuture);
        }
        // While it was with the host, its provider may have left.
        let provider = self.table.stage(id).and_then(Stage::charge).map(|charge| charge.peer);
        let here = provider.is_some_and(|slot| self.table.is_connected(slot));
        if !here && !self.find_new_holder(id) {
            return self.end(id, End::NobodyLeft);
        }
        self.table.note_early_verdict(id);
        self.table.set_expiry(id, expires);
        if let Some(Stage::Importing { block, .. }) = self.table.take_stage(id) {
            self.enter(id, Stage::Queued { block, wait: QueueWait::Time(until) }, None);
        }
    }

    /// A block is invalid: it and all that stand on it end, and their providers are blamed.
    pub(super) fn reject(&mut self, id: EntryId, reason: Reason) {
        let Some(hash) = self.table.entry(id).map(|entry| entry.hash) else { return };
        let fault = self.prove_bad(hash, reason);
        self.refuse_bad(id, fault);
    }

    /// As [`reject`](Self::reject), for a block of which that is known, and not found anew.
    pub(super) fn refuse_bad(&mut self, id: EntryId, fault: KnownFault) {
        let mut refused = vec![(id, fault)];
        while let Some((id, fault)) = refused.pop() {
            let Some(hash) = self.table.entry(id).map(|entry| entry.hash) else { continue };
            self.remember_bad(hash, fault);
            let reason = fault.reason;
            let holder = match self.table.stage(id) {
                Some(Stage::Queued { block, .. } | Stage::Importing { block, .. }) => {
                    Some((block.peer, block.blame))
                }
                _ => None,
            };
            match holder {
                Some((slot, Blame::Provider)) => self.penalise(slot, reason),
                // Whoever relays answers for the header, not for what only an import finds.
                Some((slot, Blame::Relayer)) if reason != Reason::InvalidBlock => self.penalise(slot, reason),
                Some((_, Blame::Relayer | Blame::Nobody)) | None => {}
            }
            self.end(id, End::Invalid);
            let fault = KnownFault { reason: Reason::InvalidAncestor, ..fault };
            refused.extend(self.table.children_of(&hash).into_iter().map(|child| (child, fault)));
        }
    }

    /// What is remembered of a hash is forgotten: that it is invalid, with all that were refused for an
    /// ancestor, and who has it. One that is followed goes on.
    pub fn forget(&mut self, now: Time, hash: &BlockHash) {
        self.set_time(now);
        self.bad.forget(hash);
        if self.table.find(hash).is_none() {
            self.known.remove(hash);
        }
    }

    /// A parent is in the chain: its children go on at once.
    pub(super) fn wake_children(&mut self, parent: &BlockHash, chain: &impl ChainView) {
        for child in self.table.children_of(parent) {
            let Some(Stage::Queued { block, .. }) = self.table.take_stage(child) else { continue };
            match self.distance(block.value.number(), chain) {
                // The host has said that the parent is there; its view need not be asked again.
                Distance::Within => self.hand_over(child, block),
                Distance::Above | Distance::TooFar | Distance::BelowFinality => {
                    self.settle(child, block, chain)
                }
            }
        }
    }

    /// The window has passed the number by which an entry is watched, and so it ends. Where only
    /// announcements speak for that number, the next higher one may be the right one.
    fn pass(&mut self, id: EntryId, chain: &impl ChainView) {
        if let Some(&Stage::Announced(Wait::Window { peer, .. })) = self.table.stage(id) {
            let good = self.table.claims_of(id).filter(|(_, claim)| claim.standing.may_be_asked());
            let ahead = |number: &BlockNumber| match self.distance(*number, chain) {
                Distance::Within | Distance::Above => true,
                Distance::TooFar | Distance::BelowFinality => false,
            };
            if let Some(number) = good.map(|(_, claim)| claim.number).filter(ahead).min() {
                return self.enter(id, Stage::Announced(Wait::Window { peer, number }), Some(peer));
            }
        }
        self.end(id, End::Passed);
    }

    /// The head has moved: what it passed ends, what it reached goes on.
    fn move_window(&mut self, chain: &impl ChainView) {
        let head = chain.head();
        while let Some((number, id)) = self.table.lowest_watched() {
            match self.distance(number, chain) {
                Distance::BelowFinality => self.pass(id, chain),
                Distance::TooFar if number < head => self.pass(id, chain),
                Distance::TooFar | Distance::Within | Distance::Above => break,
            }
        }
        for id in self.table.deferred_up_to(head.saturating_add(self.config.window_above)) {
            self.counters.deferred_taken_up += 1;
            match self.table.stage(id) {
                Some(Stage::Announced(_)) => self.ask_header(id),
                Some(Stage::Queued { .. }) => self.resettle(id, chain),
                Some(
                    Stage::Fetching { .. }
                    | Stage::Fetched { .. }
                    | Stage::Completing { .. }
                    | Stage::Importing { .. },
                )
                | None => {}
            }
        }
    }
}
