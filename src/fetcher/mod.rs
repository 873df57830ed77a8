//! The state machine: what it is made of, and its calling contract.

mod admit;
mod ask;
mod choose;
mod memory;
mod parents;
mod peers;
mod queue;
mod relay;
mod reply;
mod status;
mod wait;

use std::collections::VecDeque;
use std::sync::Arc;

use foldhash::fast::FixedState;
use rand_xoshiro::Xoshiro128PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use crate::Time;
use crate::bad::{BadBlocks, KnownFault};
use crate::config::{Config, ConfigError, Events};
use crate::input::{ChainView, Input};
use crate::known::{Holders, KnownBlocks};
use crate::output::{Admission, End, Event, Outcome, Output, Reason, StageName};
use crate::table::{EntryId, InvariantError, PeerSlot, Stage, Table};
use crate::types::{BlockHash, Types};

use wait::Coalescer;

pub use memory::Memory;
pub use status::{Counters, FetcherStatus, PeerStatus};

/// The announced-block fetcher: a pure state machine.
///
/// # Contract
/// - Call one method for each thing that happens, with the time and a view of the chain. Every call
///   is also an [`Input`], for [`Fetcher::handle`].
/// - After each call, drain [`poll_output`](Self::poll_output) until it gives `None`, and carry the
///   outputs out in order.
/// - Then ask [`poll_timeout`](Self::poll_timeout), and call [`tick`](Self::tick) when that time has
///   come. Other calls do not let waits run out: a reply that was there in time is taken even if the
///   host is late to hand it in. So hand in what has arrived before you tick.
/// - Answer each [`Output::VerifyHeader`] with [`verdict`](Self::verdict), each [`Output::Import`]
///   with [`imported`](Self::imported), and each request with a reply or
///   [`request_failed`](Self::request_failed). A request without any answer runs into its deadline.
/// - Report whatever comes into the chain with [`chain_advanced`](Self::chain_advanced), what was
///   imported through the fetcher included: that moves the window.
///
/// The same configuration and the same calls give the same outputs, on every machine.
pub struct Fetcher<T: Types> {
    config: Arc<Config>,
    bad: BadBlocks,
    random: Xoshiro128PlusPlus,
    graces: Coalescer,
    gathers: Coalescer,
    known: KnownBlocks,
    now: Time,
    running: Running,
    /// The share of recent verified blocks that were not empty, of 256.
    full_share: u8,
    outputs: VecDeque<Output<T>>,
    table: Table<T>,
    counters: Counters,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Running {
    Yes,
    Stopped,
}

impl<T: Types> Fetcher<T> {
    /// A fetcher without peers.
    ///
    /// # Errors
    /// [`ConfigError`] where the configuration cannot work.
    pub fn new(config: impl Into<Arc<Config>>) -> Result<Self, ConfigError> {
        let config = config.into();
        let seed = config.seed;
        Self::with_seed(config, seed)
    }

    /// As [`new`](Self::new), with a seed of its own in place of [`Config::seed`]: for a host of many
    /// fetchers that share one configuration, and must not draw alike.
    ///
    /// # Errors
    /// [`ConfigError`] where the configuration cannot work.
    pub fn with_seed(config: impl Into<Arc<Config>>, seed: u64) -> Result<Self, ConfigError> {
        let config = config.into();
        config.check()?;
        let hasher = FixedState::with_seed(seed);
        Ok(Self {
            table: Table::new(&config, hasher.clone()),
            known: KnownBlocks::new(config.known_blocks, hasher),
            bad: BadBlocks::default(),
            outputs: VecDeque::new(),
            random: Xoshiro128PlusPlus::seed_from_u64(seed),
            now: Time::ZERO,
            graces: Coalescer::default(),
            gathers: Coalescer::default(),
            full_share: 128,
            running: Running::Yes,
            counters: Counters::default(),
            config,
        })
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The next thing for the host to do.
    pub fn poll_output(&mut self) -> Option<Output<T>> {
        let output = self.outputs.pop_front();
        if output.is_none() && self.outputs.capacity() > self.outputs_kept() {
            self.outputs = VecDeque::new();
        }
        output
    }

    /// When [`tick`](Self::tick) is next to be called; `None` while nothing waits.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.table.next_alarm().map(|(time, _)| time)
    }

    /// Whether nothing is under way but imports: no hash waits for anything, is asked for, or has its
    /// header verified. Takes a look at a counter, and at the entries only while each is with the host.
    pub fn is_quiet(&self) -> bool {
        self.table.holds_only_imports()
    }

    /// Takes any input, by calling its method.
    pub fn handle(&mut self, now: Time, input: Input<T>, chain: &impl ChainView) -> Outcome<T> {
        match input {
            Input::PeerConnected { peer } => return Outcome::Connection(self.peer_connected(now, peer)),
            Input::PeerGone { peer } => self.peer_gone(now, &peer),
            Input::Announced { peer, hash, number } => {
                return Outcome::Admission(self.announce(now, &peer, hash, number, chain));
            }
            Input::Pushed { peer, block } => return Outcome::Admission(self.push(now, &peer, block, chain)),
            Input::Headers { peer, request, headers } => {
                return Outcome::Headers(self.headers(now, &peer, request, headers, chain));
            }
            Input::Bodies { peer, request, bodies } => {
                return Outcome::Bodies(self.bodies(now, &peer, request, bodies, chain));
            }
            Input::Progress { peer, request, bytes } => self.progress(now, &peer, request, bytes),
            Input::RequestFailed { peer, request, failure } => {
                self.request_failed(now, &peer, request, failure)
            }
            Input::Verdict { hash, verdict } => self.verdict(now, hash, verdict, chain),
            Input::Imported { hash, verdict } => self.imported(now, hash, verdict, chain),
            Input::ChainAdvanced { blocks } => self.chain_advanced(now, &blocks, chain),
            Input::Sealed { block } => self.sealed(now, block, chain),
            Input::Tick => self.tick(now, chain),
            Input::Forget { hash } => self.forget(now, &hash),
            Input::Shutdown => self.shutdown(now),
        }
        Outcome::Done
    }

    /// Verifies all indexes, counters and limits against each other. Linear in what is held: for
    /// tests and simulations.
    ///
    /// # Errors
    /// [`InvariantError`]: a defect of this crate.
    pub fn check_invariants(&self) -> Result<(), InvariantError> {
        self.table.check(&self.config)?;
        if self.known.len() > self.config.known_blocks as usize
            || self.bad.len() > self.config.bad_blocks as usize
        {
            return Err(InvariantError("more blocks are remembered than configured"));
        }
        let slots = || self.table.peers().map(|(slot, _)| slot);
        let marked = |holders: &Holders<'_>| slots().filter(|slot| holders.has(*slot)).count();
        if self.known.ids().map(|id| self.known.holders(id)).any(|all| all.count() != marked(&all)) {
            return Err(InvariantError("a peer that is gone is said to have a block"));
        }
        if self.table.slot_count() > self.config.peer_slots() as usize {
            return Err(InvariantError("more peer slots are in use than configured"));
        }
        let empty = self.table.len() == 0 && self.table.slot_count() == 0 && self.outputs.is_empty();
        if self.running == Running::Stopped && !empty {
            return Err(InvariantError("something is left after the shutdown"));
        }
        Ok(())
    }

    // --- shared by the modules below

    /// Takes the host's time; one that goes back is clamped and counted. One after the end of time is
    /// not taken: time never goes back, so that everything would be over at once from then on.
    fn set_time(&mut self, now: Time) {
        if now > Time::LATEST {
            self.counters.time_out_of_range += 1;
        } else if now < self.now {
            self.counters.time_went_back += 1;
        } else {
            self.now = now;
        }
    }

    fn output(&mut self, output: Output<T>) {
        if self.running == Running::Yes {
            self.outputs.push_back(output);
        }
    }

    /// Puts an entry into a stage and sets its alarm.
    fn enter(&mut self, id: EntryId, stage: Stage<T>, from: Option<PeerSlot>) {
        let name = stage.name();
        self.table.set_stage(id, stage);
        self.rearm(id);
        self.tell_entered(id, name, from);
    }

    /// Tells observers that an entry is in a stage now.
    fn tell_entered(&mut self, id: EntryId, stage: StageName, from: Option<PeerSlot>) {
        if self.config.events == Events::On
            && let Some(hash) = self.table.entry(id).map(|entry| entry.hash)
        {
            let from = from.and_then(|slot| self.table.name(slot)).cloned();
            self.output(Output::Event(Event::Entered { hash, stage, from }));
        }
    }

    /// Ends an entry: its requests are cancelled, and all that it held is released.
    fn end(&mut self, id: EntryId, end: End) {
        let Some(hash) = self.table.entry(id).map(|entry| entry.hash) else { return };
        self.cancel_requests(id);
        self.table.remove(id);
        self.counters.count_end(end);
        self.orphan_children(&hash, end);
        if self.config.events == Events::On {
            self.output(Output::Event(Event::Ended { hash, end }));
        }
    }

    /// Blames a peer, be it gone: a slot is not given to another while anything is charged to it.
    fn penalise(&mut self, slot: PeerSlot, reason: Reason) {
        let Some((peer, presence)) = self.table.peer(slot).map(|peer| (peer.id.clone(), peer.presence))
        else {
            return;
        };
        self.counters.count_penalty(reason);
        self.output(Output::Penalise { peer, reason, presence });
    }

    /// The host has found a block invalid.
    fn prove_bad(&mut self, hash: BlockHash, reason: Reason) -> KnownFault {
        let limits = (self.config.bad_block_expiry, self.config.bad_blocks);
        self.bad.prove(self.now, hash, reason, limits, self.table.hasher())
    }

    /// A block is what was found before, or stands on one that is.
    fn remember_bad(&mut self, hash: BlockHash, fault: KnownFault) {
        self.bad.inherit(hash, fault, self.config.bad_blocks, self.table.hasher());
    }

    fn count_admission(&mut self, admission: Admission) -> Admission {
        self.counters.count_admission(admission);
        admission
    }

    /// The capacity that the outputs' queue keeps: none at rest.
    fn outputs_kept(&self) -> usize {
        if self.table.len() == 0 { 0 } else { OUTPUTS_KEPT }
    }

    fn is_stopped(&self) -> bool {
        self.running == Running::Stopped
    }
}

/// A number below `bound`, which must not be zero.
fn random_below(random: &mut Xoshiro128PlusPlus, bound: usize) -> usize {
    // The bias of multiply and shift is below 2^-32 for any count that fits into the limits.
    ((u64::from(random.next_u32()) * bound as u64) >> 32) as usize
}

/// The outputs' queue keeps this capacity while hashes are followed.
const OUTPUTS_KEPT: usize = 16;

impl<T: Types> core::fmt::Debug for Fetcher<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Fetcher")
            .field("now", &self.now)
            .field("table", &self.table)
            .field("known", &self.known)
            .field("running", &self.running)
            .finish_non_exhaustive()
    }
}
