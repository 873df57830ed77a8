//! The task: hands inputs to the fetcher and carries its outputs out.

use core::pin::pin;
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use tokio::time::{Instant, sleep_until};

use crate::Time;
use crate::fetcher::Fetcher;
use crate::input::{Failure, Input, Verdict};
use crate::output::{Admission, Connection, Outcome, Output, RequestId};
use crate::types::Types;

use super::call::Call;
use super::host::{Chain, Network, Observer};
use super::jobs::{Done, Job, JobKind, Jobs};
use super::log;
use super::queue::Receiver;

pub(super) struct Task<T: Types, C, N, O> {
    core: Fetcher<T>,
    chain: Arc<C>,
    network: N,
    observer: O,
    jobs: Jobs,
    /// Requests that could not even be sent, to be handed in when the outputs are drained.
    unsent: VecDeque<Input<T>>,
    /// Time zero of the fetcher.
    origin: Instant,
    /// When the present batch began. All of it is handed in with this time, and the waits that are over
    /// by it run out after that: what arrives while the host is slow is never late for it.
    now: Time,
    /// The last field, since dropping it says that all the rest is gone.
    calls: Receiver<T>,
}

/// Why the task woke.
enum Wake<T: Types> {
    Call(Call<T>),
    Done(Done),
    Alarm,
    /// A shutdown, or no handle is left; and all calls are handled.
    NoMoreCalls,
}

impl<T, C, N, O> Task<T, C, N, O>
where
    T: Types,
    C: Chain<T>,
    N: Network<T>,
    O: Observer<T>,
{
    /// A task whose fetcher's time begins now.
    pub(super) fn new(core: Fetcher<T>, chain: C, network: N, observer: O, calls: Receiver<T>) -> Self {
        Self {
            core,
            chain: Arc::new(chain),
            network,
            observer,
            jobs: Jobs::default(),
            unsent: VecDeque::new(),
            origin: Instant::now(),
            now: Time::ZERO,
            calls,
        }
    }

    /// Runs until the shutdown, or until the last handle is dropped.
    pub(super) async fn run(mut self) {
        let mut alarm = pin!(sleep_until(self.origin));
        loop {
            let due = self.due();
            if let Some(due) = due
                && alarm.deadline() != due
            {
                alarm.as_mut().reset(due);
            }
            let wake = tokio::select! {
                biased;
                Some(done) = self.jobs.next() => Wake::Done(done),
                call = self.calls.recv() => call.map_or(Wake::NoMoreCalls, Wake::Call),
                () = &mut alarm, if due.is_some() => Wake::Alarm,
            };
            match wake {
                Wake::Call(call) => self.work_off(|task| task.answer(call)),
                Wake::Done(done) => self.work_off(|task| task.checked(done)),
                Wake::Alarm => self.work_off(|_| {}),
                Wake::NoMoreCalls => break,
            }
            // A flood keeps the queue from being empty: let others have the thread.
            if !self.calls.is_empty() {
                tokio::task::yield_now().await;
            }
        }
        self.stop().await;
    }

    /// When the fetcher's next wait is over; `None` also where that is beyond the runtime's clock.
    fn due(&self) -> Option<Instant> {
        let due = self.core.poll_timeout()?;
        self.origin.checked_add(Duration::from_nanos(due.as_nanos()))
    }

    fn read_clock(&mut self) {
        self.now = Time::ZERO.after(self.origin.elapsed());
    }

    /// Hands in what woke the task and all that had arrived by then, and after that lets time pass.
    /// What arrives meanwhile is for the next round, so that a flood cannot hold up the waits.
    fn work_off(&mut self, wake: impl FnOnce(&mut Self)) {
        // In this order: what has arrived by `now` is in the batch.
        self.read_clock();
        let (batch, running) = (self.calls.arrived(), self.jobs.len());
        wake(self);
        for _ in 0..running {
            let Some(done) = self.jobs.try_next() else { break };
            self.checked(done);
        }
        while let Some(call) = self.calls.try_recv(batch) {
            self.answer(call);
        }
        if self.core.poll_timeout().is_some_and(|due| due <= self.now) {
            self.tell(Input::Tick);
        }
    }

    /// Does what a handle asked for. A caller that no longer listens is none of its concern.
    fn answer(&mut self, call: Call<T>) {
        match call {
            Call::Tell { input, handled } => {
                if let Input::PeerGone { peer } = &input {
                    self.calls.gone(peer);
                }
                self.tell(input);
                let _ = handled.map(|handled| handled.send(()));
            }
            Call::Admit { input, answer } => {
                let _ = answer.send(self.admit(input));
            }
            Call::AnnounceMany { peer, blocks, answer } => {
                let admit =
                    |(hash, number)| self.admit(Input::Announced { peer: peer.clone(), hash, number });
                let _ = answer.send(blocks.into_iter().map(admit).collect());
            }
            Call::Connect { peer, answer } => {
                let _ = answer.send(self.connect(peer));
            }
            Call::Headers { peer, request, headers, answer } => {
                let _ = answer.send(self.filter_headers(Input::Headers { peer, request, headers }));
            }
            Call::Bodies { peer, request, bodies, answer } => {
                let _ = answer.send(self.filter_bodies(Input::Bodies { peer, request, bodies }));
            }
            Call::Status { answer } => {
                let _ = answer.send(self.core.status());
            }
            Call::Counters { answer } => {
                let _ = answer.send(self.core.counters());
            }
        }
    }

    fn admit(&mut self, input: Input<T>) -> Admission {
        match self.hand_in(input) {
            Outcome::Admission(admission) => admission,
            Outcome::Done | Outcome::Connection(_) | Outcome::Headers(_) | Outcome::Bodies(_) => {
                unreachable!("the outcome of an announcement or a block is an admission")
            }
        }
    }

    fn connect(&mut self, peer: T::PeerId) -> Connection {
        match self.hand_in(Input::PeerConnected { peer: peer.clone() }) {
            Outcome::Connection(connection) => {
                match connection {
                    Connection::Accepted => self.calls.connected(&peer),
                    Connection::Duplicate | Connection::TooMany | Connection::Stopped => {}
                }
                connection
            }
            Outcome::Done | Outcome::Admission(_) | Outcome::Headers(_) | Outcome::Bodies(_) => {
                unreachable!("the outcome of a connection is a connection")
            }
        }
    }

    fn filter_headers(&mut self, reply: Input<T>) -> Vec<T::Header> {
        match self.hand_in(reply) {
            Outcome::Headers(rest) => rest,
            Outcome::Done | Outcome::Connection(_) | Outcome::Admission(_) | Outcome::Bodies(_) => {
                unreachable!("the outcome of headers is headers")
            }
        }
    }

    fn filter_bodies(&mut self, reply: Input<T>) -> Vec<T::Body> {
        match self.hand_in(reply) {
            Outcome::Bodies(rest) => rest,
            Outcome::Done | Outcome::Connection(_) | Outcome::Admission(_) | Outcome::Headers(_) => {
                unreachable!("the outcome of bodies is bodies")
            }
        }
    }

    /// The host has verified or imported a block, or failed to.
    fn checked(&mut self, done: Done) {
        let Done { job: Job { hash, number, kind }, verdict } = done;
        match kind {
            JobKind::Verify => self.tell(Input::Verdict { hash, verdict }),
            JobKind::Import => {
                self.tell(Input::Imported { hash, verdict });
                if verdict == Verdict::Valid {
                    self.tell(Input::ChainAdvanced { blocks: vec![(hash, number)] });
                }
            }
        }
    }

    /// Hands in what has no outcome.
    fn tell(&mut self, input: Input<T>) {
        match self.hand_in(input) {
            Outcome::Done => {}
            Outcome::Connection(_) | Outcome::Admission(_) | Outcome::Headers(_) | Outcome::Bodies(_) => {
                debug_assert!(false, "an outcome was thrown away");
            }
        }
    }

    /// Hands an input in, and carries out all that follows.
    fn hand_in(&mut self, input: Input<T>) -> Outcome<T> {
        let outcome = self.step(input);
        while let Some(unsent) = self.unsent.pop_front() {
            match self.step(unsent) {
                Outcome::Done
                | Outcome::Connection(_)
                | Outcome::Admission(_)
                | Outcome::Headers(_)
                | Outcome::Bodies(_) => {}
            }
        }
        outcome
    }

    fn step(&mut self, input: Input<T>) -> Outcome<T> {
        let now = self.now;
        let _span = log::span(&input).entered();
        self.observer.on_input(now, &input);
        let outcome = self.core.handle(now, input, &*self.chain);
        log::outcome(&outcome);
        self.observer.on_outcome(now, &outcome);
        while let Some(output) = self.core.poll_output() {
            log::output(&output);
            self.carry_out(now, output);
        }
        outcome
    }

    fn carry_out(&mut self, now: Time, output: Output<T>) {
        match &output {
            Output::Event(event) => self.observer.on_event(now, event),
            Output::RequestHeader { .. }
            | Output::RequestBodies { .. }
            | Output::Cancel { .. }
            | Output::VerifyHeader { .. }
            | Output::Import { .. }
            | Output::ImportHeader { .. }
            | Output::Relay { .. }
            | Output::Announce { .. }
            | Output::Penalise { .. }
            | Output::OutOfReach { .. } => self.observer.on_output(now, &output),
        }
        match output {
            Output::RequestHeader { request, peer, hash } => {
                let sent = self.network.request_header(request, &peer, hash);
                self.note_sent(request, peer, sent);
            }
            Output::RequestBodies { request, peer, hashes } => {
                let sent = self.network.request_bodies(request, &peer, hashes);
                self.note_sent(request, peer, sent);
            }
            Output::Cancel { request, peer } => self.network.cancel(request, &peer),
            Output::VerifyHeader { header } => self.jobs.verify::<T, C>(Arc::clone(&self.chain), header),
            Output::Import { block } => self.jobs.import::<T, C>(Arc::clone(&self.chain), block),
            Output::ImportHeader { header } => {
                self.jobs.import_header::<T, C>(Arc::clone(&self.chain), header);
            }
            Output::Relay { block, peers } => self.network.relay(block, peers),
            Output::Announce { hash, number, peers } => self.network.announce(hash, number, peers),
            Output::Penalise { peer, reason, presence } => self.network.penalise(&peer, reason, presence),
            Output::OutOfReach { hash, number, peer } => self.network.out_of_reach(hash, number, &peer),
            Output::Event(_) => {}
        }
    }

    fn note_sent(&mut self, request: RequestId, peer: T::PeerId, sent: Result<(), Failure>) {
        if let Err(failure) = sent {
            self.unsent.push_back(Input::RequestFailed { peer, request, failure });
        }
    }

    /// Leaves nothing behind: the fetcher is emptied, and no task of the host is left. All calls are
    /// answered by now, so that none of them waits for a task of the host that does not end at once.
    async fn stop(mut self) {
        self.read_clock();
        self.tell(Input::Shutdown);
        self.jobs.stop().await;
    }
}
