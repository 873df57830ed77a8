//! Requests in flight.

use core::time::Duration;

use slab::Slab;
use smallvec::SmallVec;

use crate::Time;
use crate::output::RequestId;
use crate::types::Types;

use super::claims::slab_entry;
use super::work::Work;
use super::{EntryId, PeerSlot, Table};

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Header,
    Bodies,
}

/// Whether others were asked for the same before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AskedTurn {
    First,
    Later,
}

/// A request in flight.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) peer: PeerSlot,
    pub(crate) asked: Asked,
    pub(crate) turn: AskedTurn,
    /// For which entries; those that ended or got it elsewhere are taken out.
    pub(crate) entries: SmallVec<[EntryId; 2]>,
    /// How many were asked for.
    pub(crate) wanted: u32,
    pub(crate) sent: Time,
    pub(crate) deadline: Time,
    /// When the first byte was due.
    first_byte_due: Time,
    /// Bytes of the reply that have come, as far as the host says.
    pub(crate) received: u64,
    serial: u32,
}

/// Requests by slab key and serial number: a look-up costs no hashing, and a key used again has
/// another serial.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    slab: Slab<Request>,
}

/// 29 bits, so that ids stay below 2^61 and the rest is free for the host.
const SERIAL_MAX: u32 = u32::MAX >> 3;

/// The slab key of a request, which another one may have by now.
fn key_of(id: RequestId) -> usize {
    (id.as_u64() & u64::from(u32::MAX)) as usize
}

fn id_of(serial: u32, key: usize) -> RequestId {
    RequestId::new(u64::from(serial) << 32 | key as u64)
}

/// Takes an entry out of a request's list, and gives memory back before the list takes more than
/// [`Requests::ENTRY_BYTES`] for each that is left.
fn take_out(entries: &mut SmallVec<[EntryId; 2]>, entry: EntryId) {
    entries.retain(|other| *other != entry);
    if entries.spilled() && entries.len() * 4 <= entries.capacity() {
        entries.shrink_to_fit();
    }
}

impl Requests {
    /// What a request takes for each of its entries, where it is for several.
    pub(crate) const ENTRY_BYTES: usize = 4 * size_of::<EntryId>();

    /// What one request takes.
    pub(crate) const ITEM_BYTES: usize = size_of::<slab_entry::Sized<Request>>();

    pub(crate) fn iter(&self) -> impl Iterator<Item = (RequestId, &Request)> {
        self.slab.iter().map(|(key, request)| (id_of(request.serial, key), request))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slab.is_empty()
    }

    fn get(&self, id: RequestId) -> Option<&Request> {
        self.slab.get(key_of(id)).filter(|request| id_of(request.serial, key_of(id)) == id)
    }

    fn get_mut(&mut self, id: RequestId) -> Option<&mut Request> {
        self.slab.get_mut(key_of(id)).filter(|request| id_of(request.serial, key_of(id)) == id)
    }

    pub(crate) fn allocated_bytes(&self) -> usize {
        let spilled: usize = self
            .slab
            .iter()
            .filter(|(_, request)| request.entries.spilled())
            .map(|(_, request)| request.entries.capacity() * size_of::<EntryId>())
            .sum();
        self.slab.capacity() * Self::ITEM_BYTES + spilled
    }
}

impl<T: Types> Table<T> {
    /// Writes a request down, and counts it at its peer.
    pub(crate) fn open_request(
        &mut self,
        peer: PeerSlot,
        (asked, turn): (Asked, AskedTurn),
        entries: SmallVec<[EntryId; 2]>,
        sent: Time,
        deadline: Time,
    ) -> RequestId {
        let serial = if self.serial >= SERIAL_MAX { 1 } else { self.serial + 1 };
        self.serial = serial;
        let (first_byte_due, received) = (deadline, 0);
        let wanted = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        let request =
            Request { peer, asked, turn, entries, wanted, sent, deadline, first_byte_due, received, serial };
        let work = self.work.get_or_insert_with(|| Box::new(Work::new()));
        work.loads.of_mut(peer).requests += 1;
        let slab = &mut work.requests.slab;
        if slab.capacity() == 0 {
            // A header and its body, for the one block that there mostly is.
            slab.reserve_exact(2);
        }
        id_of(serial, slab.insert(request))
    }

    pub(crate) fn request(&self, id: RequestId) -> Option<&Request> {
        self.work.as_ref()?.requests.get(id)
    }

    /// More of a reply has come: the rest has as much longer as that takes at the least rate, up to what
    /// the largest reply takes.
    pub(crate) fn extend_request(&mut self, id: RequestId, received: u64, worth: Duration) {
        if let Some(request) = self.work.as_mut().and_then(|work| work.requests.get_mut(id)) {
            request.received = received;
            request.deadline = request.first_byte_due.after(worth);
        }
    }

    /// Ends a request. Its entries must be told.
    pub(crate) fn close_request(&mut self, id: RequestId) -> Option<Request> {
        let work = self.work.as_mut()?;
        work.requests.get(id)?;
        let request = work.requests.slab.try_remove(key_of(id))?;
        let load = work.loads.of_mut(request.peer);
        load.requests -= 1;
        if work.wanting > 0 {
            work.relieve(request.peer);
        }
        Some(request)
    }

    /// Takes one entry out of a request. What is left of the entries.
    pub(crate) fn leave_request(&mut self, id: RequestId, entry: EntryId) -> usize {
        let Some(request) = self.work.as_mut().and_then(|work| work.requests.get_mut(id)) else { return 0 };
        take_out(&mut request.entries, entry);
        request.entries.len()
    }

    pub(crate) fn request_count(&self) -> usize {
        self.work.as_ref().map_or(0, |work| work.requests.slab.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_gives_the_memory_of_those_that_left_it_back() {
        let mut entries: SmallVec<[EntryId; 2]> = (0..100).map(EntryId::new).collect();
        for gone in 0..100 {
            take_out(&mut entries, EntryId::new(gone));
            assert_eq!(entries.len(), 99 - gone);
            let bytes = entries.capacity() * size_of::<EntryId>();
            assert!(!entries.spilled() || bytes <= entries.len() * Requests::ENTRY_BYTES);
        }
    }
}
