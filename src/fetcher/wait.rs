//! Waiting: alarms, and what happens when one is due.

use core::time::Duration;

use crate::Time;
use crate::config::Grace;
use crate::input::ChainView;
use crate::output::End;
use crate::table::{Early, EntryId, PeerSlot, QueueWait, Stage, Step, Wait};
use crate::types::Types;

use super::Fetcher;

/// Lets waits of one length share a wake-up: one that begins while another runs joins it, unless
/// that would shorten it by more than the slack.
#[derive(Debug, Default)]
pub(super) struct Coalescer {
    open: Option<Time>,
}

impl Coalescer {
    /// When a wait that begins now is over.
    pub(super) fn join(&mut self, now: Time, wait: Duration, slack: Duration) -> Time {
        let earliest = now.after(wait.saturating_sub(slack));
        match self.open {
            Some(open) if open >= earliest && open > now => open,
            Some(_) | None => {
                let end = now.after(wait);
                self.open = Some(end);
                end
            }
        }
    }
}

impl<T: Types> Fetcher<T> {
    /// Lets every wait that is over run out.
    pub fn tick(&mut self, now: Time, chain: &impl ChainView) {
        self.set_time(now);
        let mut gathered = Vec::new();
        while let Some((time, id)) = self.table.next_alarm() {
            if time > self.now {
                break;
            }
            self.wake(id, &mut gathered, chain);
        }
        if !gathered.is_empty() {
            self.ask_bodies(&gathered);
        }
        self.ask_relieved_peers();
    }

    /// The end of the grace of a hash that `slot` has just announced first; `None` for none.
    pub(super) fn grace(&mut self, slot: PeerSlot) -> Option<Time> {
        match self.config.grace {
            Grace::Fixed { wait, .. } if wait.is_zero() => None,
            Grace::Fixed { wait, slack } => Some(self.graces.join(self.now, wait, slack)),
            Grace::Adaptive { max } => {
                let grace = self.table.peer(slot).map_or(Duration::ZERO, |peer| peer.grace(max));
                (!grace.is_zero()).then(|| self.now.after(grace))
            }
        }
    }

    /// Sets an entry's alarm to what its stage waits for, and never beyond its end.
    pub(super) fn rearm(&mut self, id: EntryId) {
        let Some(entry) = self.table.entry(id) else { return };
        let deadline = |request| self.table.request(request).map(|request| request.deadline);
        let due = match entry.stage() {
            Stage::Announced(wait) | Stage::Fetched { wait, .. } => match wait {
                Wait::Until(time) => Some(*time),
                Wait::Capacity { .. } | Wait::Window { .. } => None,
            },
            Stage::Fetching { round, early } => {
                round.iter().chain(early.request()).filter_map(deadline).chain([round.ends]).min()
            }
            Stage::Completing { round, .. } => round.iter().filter_map(deadline).chain([round.ends]).min(),
            Stage::Queued { wait, .. } => match wait {
                QueueWait::Time(time) | QueueWait::Orphan { until: time, .. } => Some(*time),
                QueueWait::Parent { .. } | QueueWait::Window | QueueWait::Turn => None,
            },
            Stage::Importing { step: Step::Waiting(time), .. } => Some(*time),
            Stage::Importing { step: Step::Verifying(_) | Step::Importing(_), .. } => {
                self.table.set_alarm(id, None);
                return;
            }
        };
        let alarm = due.map_or(entry.expires, |due| due.min(entry.expires));
        self.table.set_alarm(id, Some(alarm));
    }

    /// An alarm is due.
    fn wake(&mut self, id: EntryId, gathered: &mut Vec<EntryId>, chain: &impl ChainView) {
        let Some(entry) = self.table.entry(id) else { return };
        let expired = entry.expires <= self.now;
        match entry.stage() {
            // Its time has come at the last moment of its life: that is not too late.
            Stage::Queued { wait: QueueWait::Time(time), .. } if *time <= self.now => {
                self.resettle(id, chain)
            }
            Stage::Importing { step: Step::Waiting(time), .. } if *time <= self.now || expired => {
                self.import_again(id, *time, chain)
            }
            _ if expired => self.end(id, End::Expired),
            Stage::Announced(_) => self.ask_header(id),
            Stage::Fetched { wait: Wait::Until(_), .. } => {
                self.table.set_alarm(id, None);
                gathered.push(id);
            }
            Stage::Fetched { wait: Wait::Capacity { .. } | Wait::Window { .. }, .. } => self.ask_body(id),
            Stage::Fetching { round, early } => {
                let late: Option<_> =
                    round.iter().chain(early.request()).find(|request| self.is_late(*request));
                let over = round.ends <= self.now;
                self.end_wait_for_reply(id, late, over);
            }
            Stage::Completing { round, .. } => {
                let late: Option<_> = round.iter().find(|request| self.is_late(*request));
                let over = round.ends <= self.now;
                self.end_wait_for_reply(id, late, over);
            }
            Stage::Queued { wait: QueueWait::Orphan { until, .. }, .. } if *until <= self.now => {
                self.search_again(id, chain);
            }
            // An alarm that was due before its time was set to the entry's end, which moved since.
            Stage::Queued { .. } | Stage::Importing { .. } => self.rearm(id),
        }
    }

    fn is_late(&self, request: crate::RequestId) -> bool {
        self.table.request(request).is_some_and(|request| request.deadline <= self.now)
    }

    fn end_wait_for_reply(&mut self, id: EntryId, late: Option<crate::RequestId>, over: bool) {
        if let Some(request) = late {
            self.counters.deadlines_passed += 1;
            self.time_out_request(request);
        } else if over {
            self.next_round_of(id);
        } else {
            self.rearm(id);
        }
    }

    /// A request has passed its deadline: it is cancelled, and its peer was silent.
    fn time_out_request(&mut self, request: crate::RequestId) {
        if let Some(open) = self.table.request(request) {
            let (peer, asked, waited) = (open.peer, open.asked, self.now.since(open.sent));
            self.missed(peer, asked, waited);
            self.cancel(request, peer);
        }
        self.silence(request);
    }

    /// Whether a body request is in flight ahead of the header.
    pub(super) fn early_request(&self, id: EntryId) -> Option<crate::RequestId> {
        match self.table.stage(id)? {
            Stage::Fetching { early: Early::Asked(request), .. } => Some(*request),
            Stage::Fetching { early: Early::None | Early::Here(_), .. }
            | Stage::Announced(_)
            | Stage::Fetched { .. }
            | Stage::Completing { .. }
            | Stage::Queued { .. }
            | Stage::Importing { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Time {
        Time::from_nanos(ms * 1_000_000)
    }

    /// geth's timer: wakes 500 ms after the oldest announcement, and takes all older than 400 ms.
    #[test]
    fn waits_share_a_wake_up_within_the_slack() {
        let mut graces = Coalescer::default();
        let mut join = |now| graces.join(ms(now), Duration::from_millis(500), Duration::from_millis(100));
        assert_eq!(join(0), ms(500));
        assert_eq!(join(100), ms(500));
        assert_eq!(join(101), ms(601));
        assert_eq!(join(150), ms(601));
        assert_eq!(join(700), ms(1_200));
    }

    /// Gathering: all that come while one waits go with it.
    #[test]
    fn a_gathering_takes_all_along() {
        let window = Duration::from_millis(100);
        let mut gathers = Coalescer::default();
        let mut join = |now| gathers.join(ms(now), window, window);
        assert_eq!(join(0), ms(100));
        assert_eq!(join(99), ms(100));
        assert_eq!(join(100), ms(200));
    }
}
