//! Writing.

use alloy_primitives::U256;
use bytes::BytesMut;
use rlp::RlpStream;

use super::{EMPTY_LIST, EMPTY_STRING};

/// Payloads up to this length have their length in the prefix byte itself.
const SHORT_PAYLOAD_MAX: usize = 55;

/// Writes one list, item by item.
///
/// ```
/// use herald_proto::rlp::ListEncoder;
/// let mut list = ListEncoder::new();
/// list.bytes(b"dog").u64(1024).list(|inner| {
///     inner.u64(0);
/// });
/// assert_eq!(list.finish(), [0xc9, 0x83, b'd', b'o', b'g', 0x82, 0x04, 0x00, 0xc1, 0x80]);
/// ```
pub struct ListEncoder {
    stream: RlpStream,
}

impl core::fmt::Debug for ListEncoder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ListEncoder").field("bytes", &self.stream.len()).finish()
    }
}

impl Default for ListEncoder {
    fn default() -> Self {
        Self::new()
    }
}

impl ListEncoder {
    /// An empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(0)
    }

    /// An empty list with capacity for `bytes` bytes, length prefixes included.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        let mut stream = RlpStream::new_with_buffer(BytesMut::with_capacity(bytes));
        stream.begin_unbounded_list();
        Self { stream }
    }

    /// Appends a byte string.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        // `RlpStream::append` goes byte by byte, ten times slower than a copy.
        let prefix = Prefix::string(bytes);
        self.stream.append_raw(prefix.as_slice(), 0).append_raw(bytes, 1);
        self
    }

    /// Appends an unsigned integer.
    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.integer(&value.to_be_bytes())
    }

    /// Appends an unsigned integer.
    pub fn u128(&mut self, value: u128) -> &mut Self {
        self.integer(&value.to_be_bytes())
    }

    /// Appends an unsigned integer.
    pub fn u256(&mut self, value: U256) -> &mut Self {
        self.integer(&value.to_be_bytes::<{ U256::BYTES }>())
    }

    /// Appends 1 or 0.
    pub fn bool(&mut self, value: bool) -> &mut Self {
        self.u64(u64::from(value))
    }

    /// Appends a list that `write` fills.
    pub fn list(&mut self, write: impl FnOnce(&mut Self)) -> &mut Self {
        self.stream.begin_unbounded_list();
        write(self);
        self.stream.finalize_unbounded_list();
        self
    }

    /// Appends items that are encoded already. They must be whole and canonical.
    pub fn raw(&mut self, items: &[u8]) -> &mut Self {
        self.stream.append_raw(items, 1);
        self
    }

    /// The list's encoding.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.stream.finalize_unbounded_list();
        self.stream.out().into()
    }

    fn integer(&mut self, big_endian: &[u8]) -> &mut Self {
        let zeros = big_endian.iter().take_while(|byte| **byte == 0).count();
        self.bytes(big_endian.get(zeros..).unwrap_or_default())
    }
}

/// The length prefix of an item: at most one byte and eight of length.
struct Prefix {
    bytes: [u8; 9],
    len: usize,
}

impl Prefix {
    fn string(payload: &[u8]) -> Self {
        match payload {
            [0x00..=0x7f] => Self { bytes: [0; 9], len: 0 },
            _ => Self::new(EMPTY_STRING, payload.len()),
        }
    }

    fn list(payload_len: usize) -> Self {
        Self::new(EMPTY_LIST, payload_len)
    }

    /// `offset` is the prefix of an empty item of this kind.
    #[expect(clippy::cast_possible_truncation, reason = "at most 55 and 8, and offset is 0xc0")]
    fn new(offset: u8, payload_len: usize) -> Self {
        let mut bytes = [0; 9];
        if payload_len <= SHORT_PAYLOAD_MAX {
            let [first, ..] = &mut bytes;
            *first = offset + payload_len as u8;
            return Self { bytes, len: 1 };
        }
        let length = (payload_len as u64).to_be_bytes();
        let zeros = length.iter().take_while(|byte| **byte == 0).count();
        let length_len = length.len() - zeros;
        let [first, rest @ ..] = &mut bytes;
        *first = offset + SHORT_PAYLOAD_MAX as u8 + length_len as u8;
        for (to, from) in rest.iter_mut().zip(length.iter().skip(zeros)) {
            *to = *from;
        }
        Self { bytes, len: 1 + length_len }
    }

    fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&self.bytes)
    }
}

/// Appends the length prefix of a list whose items take `payload_len` bytes.
pub fn append_list_header(out: &mut Vec<u8>, payload_len: usize) {
    out.extend_from_slice(Prefix::list(payload_len).as_slice());
}

/// Appends a byte string.
pub fn append_string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(Prefix::string(bytes).as_slice());
    out.extend_from_slice(bytes);
}

/// Bytes of the length prefix of a list whose items take `payload_len` bytes.
#[must_use]
pub fn list_header_len(payload_len: usize) -> usize {
    Prefix::list(payload_len).len
}

/// Bytes of a byte string with its length prefix.
#[must_use]
pub fn string_len(bytes: &[u8]) -> usize {
    Prefix::string(bytes).len + bytes.len()
}
