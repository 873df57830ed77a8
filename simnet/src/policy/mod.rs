//! What runs in each node: the real fetcher, or another machine to hold against it.

pub mod geth;

use std::sync::Arc;

use herald_fetcher::{Config, Fetcher, Input, Outcome, Output, Time};

use crate::model::block::Sim;
use crate::model::chain::NodeView;
use crate::scenario::Policy;

use geth::GethModel;

/// Something that runs with a machine whose type a [`Policy`] chooses.
///
/// A closure cannot be generic over the machine; this is what stands for one.
pub trait WithMachine {
    /// What it comes to.
    type Output;
    /// Runs it with machines of type `M`.
    fn run<M: Machine>(self) -> Self::Output;
}

impl Policy {
    /// Runs `task` with this policy's type of machine.
    ///
    /// Nothing else turns a policy into a machine. `task` is compiled once for each type, so that a
    /// world makes no virtual call for an event.
    pub fn with_machine<T: WithMachine>(self, task: T) -> T::Output {
        match self {
            Self::Herald | Self::GethTimers | Self::AnnounceOnly | Self::PushToAll => {
                task.run::<Fetcher<Sim>>()
            }
            Self::GethModel => task.run::<GethModel>(),
        }
    }

    /// What its machine promises of the lifetime of hashes.
    pub fn lifetime_promise(self) -> LifetimePromise {
        struct PromiseTask;

        impl WithMachine for PromiseTask {
            type Output = LifetimePromise;

            fn run<M: Machine>(self) -> LifetimePromise {
                M::LIFETIME_PROMISE
            }
        }

        self.with_machine(PromiseTask)
    }
}

/// What a node does with a peer that its machine penalises.
///
/// Closed: a node keeps scores, or it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnPenalty {
    /// Adds the penalty's weight to the peer's score, and disconnects it at the threshold of Herald's
    /// own node.
    Score,
    /// Disconnects it at once.
    Disconnect,
}

/// Whether a machine promises when it stops following a hash.
///
/// Closed: a promise is made, or it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LifetimePromise {
    /// Each hash ends within its lifetime, and not while an honest announcer was never asked or the
    /// whole block had nothing to wait for. Runs with a check stride hold the machine to it.
    Made,
    /// Nothing is promised or checked.
    None,
}

/// A machine that decides what a node fetches, imports and tells others.
///
/// Its contract is that of [`Fetcher`]: hand in what happens, drain [`poll_output`](Self::poll_output)
/// after each call, and hand in [`Input::Tick`] when [`poll_timeout`](Self::poll_timeout) has come.
/// An embedder that wants its own host code in the simulator implements this around it.
pub trait Machine: Sized {
    /// What its node does with a peer that it penalises.
    const ON_PENALTY: OnPenalty = OnPenalty::Score;
    /// Whether it promises when it stops following a hash.
    const LIFETIME_PROMISE: LifetimePromise = LifetimePromise::Made;

    /// A machine without peers.
    ///
    /// `config` is the policy's, shared by all nodes, and has been checked; `seed` is the node's own.
    fn new(config: Arc<Config>, seed: u64) -> Self;
    /// Takes what happens.
    fn handle(&mut self, now: Time, input: Input<Sim>, chain: &NodeView<'_>) -> Outcome<Sim>;
    /// The next thing for the node to do.
    fn poll_output(&mut self) -> Option<Output<Sim>>;
    /// When a tick is due.
    fn poll_timeout(&self) -> Option<Time>;
    /// Whether word that a peer has a block which the chain has, or which is being imported, makes it
    /// do nothing but note it. Such
    /// word may then be handed in late: with its own time, and before anything else. `false` is
    /// always right.
    fn may_postpone(&self) -> bool {
        false
    }
    /// Bytes in use, and the most that the machine promises, where it promises anything.
    fn memory(&self) -> MemoryUse;
    /// What it counted.
    fn machine_counters(&self) -> MachineCounters;
    /// What it holds.
    fn holdings(&self) -> Holdings;
    /// Whether what it holds is consistent.
    ///
    /// # Errors
    /// What is not, in words: a defect of the machine.
    fn check(&self) -> Result<(), String>;
}

/// Memory in use, against what was promised.
///
/// Closed, since machines outside this crate make it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryUse {
    /// In use.
    pub bytes: u64,
    /// Never more than this; `None` where nothing is promised.
    pub bound: Option<u64>,
}

/// What a machine has in hand at one moment. All zero at rest.
///
/// Machines outside this crate make it: end with `..Holdings::default()`, fields will be added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Hashes followed.
    pub entries: u64,
    /// Requests in flight.
    pub requests: u64,
    /// Announcements held, over all peers.
    pub announcements: u64,
    /// Whole blocks held, over all peers.
    pub blocks: u64,
    /// Bytes of headers and bodies held.
    pub bytes: u64,
}

/// What a machine counted since it was made.
///
/// Machines outside this crate make it: end with `..MachineCounters::default()`, fields will be
/// added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MachineCounters {
    /// Requests sent.
    pub requests: u64,
    /// Requests not answered by their deadline.
    pub deadlines_passed: u64,
    /// Second peers asked.
    pub hedges: u64,
    /// Missing parents followed.
    pub parents_sought: u64,
    /// Deferred blocks that the window reached.
    pub deferred_taken_up: u64,
    /// Replies that belong to no request in flight.
    pub replies_unmatched: u64,
}

impl MachineCounters {
    /// Adds another machine's.
    pub fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.deadlines_passed += other.deadlines_passed;
        self.hedges += other.hedges;
        self.parents_sought += other.parents_sought;
        self.deferred_taken_up += other.deferred_taken_up;
        self.replies_unmatched += other.replies_unmatched;
    }
}

impl Machine for Fetcher<Sim> {
    fn new(config: Arc<Config>, seed: u64) -> Self {
        Fetcher::with_seed(config, seed).expect("the scenario checked the configuration")
    }

    fn handle(&mut self, now: Time, input: Input<Sim>, chain: &NodeView<'_>) -> Outcome<Sim> {
        Fetcher::handle(self, now, input, chain)
    }

    fn poll_output(&mut self) -> Option<Output<Sim>> {
        Fetcher::poll_output(self)
    }

    fn poll_timeout(&self) -> Option<Time> {
        Fetcher::poll_timeout(self)
    }

    fn may_postpone(&self) -> bool {
        self.is_quiet()
    }

    fn memory(&self) -> MemoryUse {
        MemoryUse { bytes: self.memory_bytes(), bound: Some(Self::memory_bound(self.config())) }
    }

    fn machine_counters(&self) -> MachineCounters {
        let counters = self.counters();
        MachineCounters {
            requests: counters.requests,
            deadlines_passed: counters.deadlines_passed,
            hedges: counters.hedges,
            parents_sought: counters.parents_sought,
            deferred_taken_up: counters.deferred_taken_up,
            replies_unmatched: counters.replies_unmatched,
        }
    }

    fn holdings(&self) -> Holdings {
        let status = self.status();
        Holdings {
            entries: status.entries as u64,
            requests: status.requests as u64,
            announcements: status.peers.iter().map(|peer| u64::from(peer.announcements)).sum(),
            blocks: status.peers.iter().map(|peer| u64::from(peer.blocks)).sum(),
            bytes: status.bytes_held + status.peers.iter().map(|peer| peer.bytes).sum::<u64>(),
        }
    }

    fn check(&self) -> Result<(), String> {
        self.check_invariants().map_err(|error| error.to_string())
    }
}
