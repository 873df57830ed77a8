//! Requests in flight.

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::Time;
use crate::output::RequestId;
use crate::types::Types;

use super::{EntryId, PeerSlot, Table};

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Header,
    Bodies,
}

/// A request in flight.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) peer: PeerSlot,
    pub(crate) asked: Asked,
    /// For which entries; those that ended or got it elsewhere are taken out.
    pub(crate) entries: SmallVec<[EntryId; 2]>,
    /// How many were asked for.
    pub(crate) wanted: u32,
    pub(crate) sent: Time,
    pub(crate) deadline: Time,
}

#[derive(Debug)]
pub(crate) struct Requests {
    map: HashMap<u64, Request, FixedState>,
    last: u64,
    hasher: FixedState,
}

impl Requests {
    /// What one request takes in the map.
    pub(crate) const ITEM_BYTES: usize = size_of::<(u64, Request)>();

    pub(crate) fn new(hasher: FixedState) -> Self {
        Self { map: HashMap::with_hasher(hasher.clone()), last: 0, hasher }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (RequestId, &Request)> {
        self.map.iter().map(|(&id, request)| (RequestId::new(id), request))
    }

    pub(crate) fn release(&mut self) {
        if self.map.is_empty() {
            self.map = HashMap::with_hasher(self.hasher.clone());
        }
    }

    pub(crate) fn allocated_bytes(&self) -> usize {
        let spilled: usize = self
            .map
            .values()
            .filter(|request| request.entries.spilled())
            .map(|request| request.entries.capacity() * size_of::<EntryId>())
            .sum();
        self.map.allocation_size() + spilled
    }
}

impl<T: Types> Table<T> {
    /// Writes a request down, and counts it at its peer.
    pub(crate) fn open_request(
        &mut self,
        peer: PeerSlot,
        asked: Asked,
        entries: SmallVec<[EntryId; 2]>,
        sent: Time,
        deadline: Time,
    ) -> RequestId {
        self.requests.last += 1;
        let id = self.requests.last;
        let wanted = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        self.requests.map.insert(id, Request { peer, asked, entries, wanted, sent, deadline });
        if let Some(peer) = self.peer_mut(peer) {
            peer.requests += 1;
        }
        RequestId::new(id)
    }

    pub(crate) fn request(&self, id: RequestId) -> Option<&Request> {
        self.requests.map.get(&id.as_u64())
    }

    /// Ends a request. Its entries must be told.
    pub(crate) fn close_request(&mut self, id: RequestId) -> Option<Request> {
        let request = self.requests.map.remove(&id.as_u64())?;
        if let Some(peer) = self.peer_mut(request.peer) {
            peer.requests -= 1;
        }
        Some(request)
    }

    /// Takes one entry out of a request. What is left of the entries.
    pub(crate) fn leave_request(&mut self, id: RequestId, entry: EntryId) -> usize {
        let Some(request) = self.requests.map.get_mut(&id.as_u64()) else { return 0 };
        request.entries.retain(|other| *other != entry);
        request.entries.len()
    }

    pub(crate) fn request_count(&self) -> usize {
        self.requests.map.len()
    }
}
