//! A running hash of everything that happened, so that two runs can be compared by one number.

use core::fmt;

use herald_fetcher::Time;
use xxhash_rust::xxh3::Xxh3Default;

/// Events are gathered to this many bytes before they are hashed: some twenty of them, since a hash
/// function that is fed in small pieces spends its time on copying them.
const BUFFER: usize = 1_024;

/// The hash of a run so far: every event's time and content, in order.
///
/// Bytes are hashed in little-endian order, so that platforms agree. Each event carries its length:
/// the same words cut into events in another way give another hash.
#[derive(Clone)]
pub struct Trace {
    hash: Xxh3Default,
    buffer: [u8; BUFFER],
    filled: usize,
    events: u64,
}

impl Trace {
    /// A trace of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self { hash: Xxh3Default::new(), buffer: [0; BUFFER], filled: 0, events: 0 }
    }

    /// Adds an event that happened at `time` and is told apart by `words`.
    #[inline]
    pub fn record(&mut self, time: Time, words: &[u64]) {
        self.events += 1;
        let size = size_of::<u64>() * (2 + words.len());
        if self.filled + size > BUFFER {
            self.flush();
        }
        if let Some(space) = self.buffer.get_mut(self.filled..self.filled + size) {
            fill(space, time, words);
            self.filled += size;
        } else {
            let mut bytes = vec![0; size];
            fill(&mut bytes, time, words);
            self.hash.update(&bytes);
        }
    }

    /// How many events were recorded.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// The hash of all that was recorded. Recording may go on afterwards.
    #[must_use]
    pub fn digest(&self) -> TraceHash {
        let mut hash = self.hash.clone();
        hash.update(self.buffer.get(..self.filled).unwrap_or_default());
        TraceHash(hash.digest())
    }

    #[inline(never)]
    fn flush(&mut self) {
        self.hash.update(self.buffer.get(..self.filled).unwrap_or_default());
        self.filled = 0;
    }
}

#[inline]
fn fill(space: &mut [u8], time: Time, words: &[u64]) {
    let content = [time.as_nanos(), words.len() as u64];
    for (bytes, &word) in space.as_chunks_mut().0.iter_mut().zip(content.iter().chain(words)) {
        *bytes = word.to_le_bytes();
    }
}

impl Default for Trace {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace").field("events", &self.events).field("digest", &self.digest()).finish()
    }
}

/// The hash of a trace (XXH3, 64 bits). Displays as 16 hexadecimal digits.
///
/// It finds accidents, not forgeries.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceHash(u64);

impl TraceHash {
    /// The hash as a number.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Display for TraceHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for TraceHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceHash({self})")
    }
}

#[cfg(test)]
mod tests {
    use xxhash_rust::xxh3::xxh3_64;

    use super::*;

    /// What [`Trace`] promises, without its buffer.
    fn plain(events: &[(u64, Vec<u64>)]) -> u64 {
        let mut bytes = Vec::new();
        for (time, words) in events {
            bytes.extend(time.to_le_bytes());
            bytes.extend((words.len() as u64).to_le_bytes());
            words.iter().for_each(|word| bytes.extend(word.to_le_bytes()));
        }
        xxh3_64(&bytes)
    }

    #[test]
    fn any_number_of_events_hashes_as_its_bytes() {
        let mut trace = Trace::new();
        let mut events = Vec::new();
        assert_eq!(trace.digest().as_u64(), plain(&events));
        for n in 0..600_u64 {
            // Every seventieth is larger than the buffer.
            let length = if n % 70 == 69 { n } else { n % 7 };
            let words: Vec<u64> = (0..length).map(|word| word * n).collect();
            trace.record(Time::from_nanos(n * 1_000), &words);
            events.push((n * 1_000, words));
            assert_eq!(trace.digest().as_u64(), plain(&events), "after {n}");
        }
        assert_eq!(trace.events(), 600);
    }

    #[test]
    fn the_hash_is_pinned() {
        let mut trace = Trace::new();
        for n in 0..1_000 {
            trace.record(Time::from_nanos(n), &[n, n << 32, !n]);
        }
        assert_eq!(trace.digest().to_string(), GOLDEN);
    }

    #[test]
    fn order_time_content_and_cut_matter() {
        let digest = |events: &[(u64, &[u64])]| {
            let mut trace = Trace::new();
            for &(time, words) in events {
                trace.record(Time::from_nanos(time), words);
            }
            trace.digest()
        };
        let base = digest(&[(1, &[10, 11]), (2, &[20])]);
        assert_ne!(base, digest(&[(2, &[20]), (1, &[10, 11])]));
        assert_ne!(base, digest(&[(1, &[10, 11]), (3, &[20])]));
        assert_ne!(base, digest(&[(1, &[10, 12]), (2, &[20])]));
        assert_ne!(base, digest(&[(1, &[10]), (2, &[11, 20])]));
        assert_ne!(base, digest(&[(1, &[10, 11, 2, 1, 20])]));
    }

    const GOLDEN: &str = "0d7a579f5cda3966";
}
