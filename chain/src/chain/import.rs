//! Checking blocks and taking them in.

use std::cmp::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use alloy_primitives::map::B256Set;
use herald_proto::{Block, Header};

use super::error::{BlockError, ImportError, Rule};
use super::report::{BlockNumHash, ImportReport, Reorg};
use super::{Chain, Inner, Tip, View, rules, uncles};
use crate::head::Head;
use crate::store::StoreError;

/// The way from the old head to the new.
struct Switch {
    ancestor: BlockNumHash,
    /// From the ancestor's child to the new head.
    added: Vec<BlockNumHash>,
    /// From the ancestor's child to the old head.
    removed: Vec<BlockNumHash>,
}

impl Chain {
    /// Checks all that can be said of a header without its body.
    ///
    /// # Errors
    /// An unknown parent, a time in the future, a broken rule, or a store that fails.
    pub fn verify_header(&self, header: &Header) -> Result<(), BlockError> {
        let view = View::new(&self.0);
        self.0.verify_header(header, &view).map(|_| ())
    }

    /// Checks blocks and takes them in, in their order, each after its parent. All that are good
    /// are written in one atomic commit, and are on disk when this returns; blocks that are known
    /// are passed over. A block that fails stops the batch, and those before it are taken.
    ///
    /// The memory of the whole batch is held meanwhile: some MiB at a time are a good size.
    ///
    /// # Errors
    /// The first block that is not taken, with what came of those before it. When the store
    /// fails, nothing of the batch is acknowledged.
    pub fn import(&self, blocks: &[Block]) -> Result<ImportReport, ImportError> {
        let chain = &self.0;
        let _importing = chain.importing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut view = View::new(chain);
        let mut head = self.head();
        let mut known = 0;
        let mut stopped = None;
        for (index, block) in blocks.iter().enumerate() {
            match chain.check_block(block, &mut view, &mut head) {
                Ok(Taken::New) => {}
                Ok(Taken::Known) => known += 1,
                Err(error) => {
                    stopped = Some((index, block, error));
                    break;
                }
            }
        }
        let report = match chain.commit(&view, &head, known) {
            Ok(report) => report,
            Err(error) => {
                let Some(block) = blocks.first() else { return Ok(ImportReport::default()) };
                stopped = Some((0, block, error.into()));
                ImportReport::default()
            }
        };
        match stopped {
            None => Ok(report),
            Some((index, block, error)) => Err(ImportError {
                index,
                number: block.number(),
                hash: block.hash(),
                error,
                report: Box::new(report),
            }),
        }
    }
}

enum Taken {
    New,
    Known,
}

impl Inner {
    /// Checks one block on top of what is pending, and adds it to that.
    fn check_block(&self, block: &Block, view: &mut View<'_>, head: &mut Head) -> Result<Taken, BlockError> {
        if view.contains(&block.hash())? {
            return Ok(Taken::Known);
        }
        let parent = self.verify_header(&block.header, view)?;
        rules::check_body(block)?;
        uncles::check(block, view)?;
        let total_difficulty =
            parent.total_difficulty.checked_add(block.header.difficulty).ok_or(Rule::TotalDifficulty)?;
        let engine_state = self.engine.state_to_keep(&block.header, view)?;
        view.push(block.clone(), total_difficulty, engine_state);
        let candidate = Head { header: block.header.clone(), total_difficulty };
        if self.engine.compare_heads(&candidate, head, view)? == Ordering::Greater {
            *head = candidate;
        }
        Ok(Taken::New)
    }

    /// Checks a header, and returns its parent.
    fn verify_header(&self, header: &Header, view: &View<'_>) -> Result<Head, BlockError> {
        let parent = view
            .located(&header.parent_hash)?
            .ok_or(BlockError::UnknownParent { parent: header.parent_hash })?;
        rules::check_header(header, &parent.header, self.genesis.config(), &*self.engine)?;
        self.check_clock(header)?;
        self.engine.verify_header(header, &parent, view)?;
        Ok(parent)
    }

    fn check_clock(&self, header: &Header) -> Result<(), BlockError> {
        let earliest = Duration::from_secs(header.timestamp).saturating_sub(self.options.allowed_drift);
        let wait = earliest.saturating_sub(self.options.clock.now());
        if wait.is_zero() {
            return Ok(());
        }
        Err(BlockError::Future { timestamp: header.timestamp, wait })
    }

    /// Writes what is pending, with `head` as the new head, and tells everybody.
    fn commit(&self, view: &View<'_>, head: &Head, known: usize) -> Result<ImportReport, StoreError> {
        let pending = view.pending();
        let mut report = ImportReport { imported: pending.len(), known, ..ImportReport::default() };
        if pending.is_empty() {
            return Ok(report);
        }
        let Tip { head: old, mut finalized } = self.tip();
        let mut commit = view.commit();
        if head.header.hash() != old.header.hash() {
            let switch = self.switch(view, &old, head)?;
            commit.head = Some(head.header.hash());
            commit.canonical.extend(switch.added.iter().map(|id| (id.number, Some(id.hash))));
            // A heavier chain can be the shorter one.
            let above = switch.removed.iter().filter(|id| id.number > head.header.number);
            commit.canonical.extend(above.map(|id| (id.number, None)));
            report.record(switch, &old, head);
            finalized = self.engine.finalized(head, view)?;
        }
        self.store.commit(&commit)?;
        let canonical: B256Set = report.canonical.iter().map(|id| id.hash).collect();
        for block in pending {
            let hash = block.block.hash();
            let header = block.block.header.clone();
            if !canonical.contains(&hash) {
                report.side.push(BlockNumHash { number: header.number, hash });
            }
            let located = Head { header, total_difficulty: block.total_difficulty };
            self.recent().put(hash, located);
        }
        self.set_tip(Tip { head: head.clone(), finalized });
        // An error only says that nobody listens.
        let _ = self.events.send(Arc::new(report.clone()));
        Ok(report)
    }

    /// Walks from the new head to where it meets the canonical chain.
    fn switch(&self, view: &View<'_>, old: &Head, new: &Head) -> Result<Switch, StoreError> {
        let mut added = Vec::new();
        let mut at = new.header.clone();
        loop {
            // Above the old head nothing is canonical yet.
            let canonical =
                if at.number > old.header.number { None } else { self.store.canonical(at.number)? };
            if canonical == Some(at.hash()) {
                break;
            }
            added.push(BlockNumHash { number: at.number, hash: at.hash() });
            at = view
                .header(&at.parent_hash)?
                .ok_or(StoreError::Damaged { what: "an ancestor of the head" })?;
        }
        added.reverse();
        let mut removed = Vec::new();
        for number in at.number.saturating_add(1)..=old.header.number {
            let hash = self.store.canonical(number)?;
            let hash = hash.ok_or(StoreError::Damaged { what: "the index of numbers" })?;
            removed.push(BlockNumHash { number, hash });
        }
        Ok(Switch { ancestor: BlockNumHash { number: at.number, hash: at.hash() }, added, removed })
    }
}

impl ImportReport {
    fn record(&mut self, switch: Switch, old: &Head, new: &Head) {
        self.head = Some(new.clone());
        self.canonical = switch.added;
        if !switch.removed.is_empty() {
            self.reorg = Some(Reorg {
                ancestor: switch.ancestor,
                old_head: BlockNumHash::of(old),
                new_head: BlockNumHash::of(new),
                depth: switch.removed.len() as u64,
                removed: switch.removed,
            });
        }
    }
}
