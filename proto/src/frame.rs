//! Frames: how messages lie on a stream.
//!
//! A frame is its length as an unsigned varint, one byte of message code, and the payload. The
//! length counts code and payload. Reading does no I/O: bytes go in as they arrive.

use thiserror::Error;

use crate::message::MessageCode;

/// Bytes of a varint that holds any length a `u32` holds; longer ones are refused whatever the
/// limit.
const LENGTH_BYTES_MAX: usize = 5;

/// Bits of a varint's byte that belong to the number, lowest first; the eighth says that another
/// byte follows.
const VARINT_BITS: u32 = 7;
const VARINT_MORE: u8 = 1 << VARINT_BITS;

/// Memory set aside for a frame before its bytes arrive. What a peer announces but does not send
/// costs no more than this.
const RESERVED_AHEAD: usize = 16 * 1024;

/// A frame that breaks the rules. The stream is of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The length passes the limit. Nothing was set aside for it.
    #[error("a frame of more than {limit} bytes was announced")]
    TooLong {
        /// Most bytes of a frame, code and payload.
        limit: usize,
    },
    /// A length of 0, although the message code counts as one byte.
    #[error("a frame without a message code")]
    Empty,
    /// A length written in more bytes than it needs.
    #[error("a frame's length is not written in its shortest form")]
    NonCanonicalLength,
}

/// A frame as it arrived, not decoded. Closed: the wire has no more than this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// A message code, or a byte that is none: [`MessageCode::from_byte`] tells.
    pub code: u8,
    /// RLP, if the sender keeps to the rules.
    pub payload: Vec<u8>,
}

/// A whole frame: length, code and payload.
#[must_use]
pub fn encode(code: MessageCode, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(LENGTH_BYTES_MAX + 1 + payload.len());
    append_header(&mut out, code, payload.len());
    out.extend_from_slice(payload);
    out
}

/// Appends what stands before a payload of `payload_len` bytes: length and code.
pub fn append_header(out: &mut Vec<u8>, code: MessageCode, payload_len: usize) {
    let mut length = payload_len + 1;
    loop {
        let [low, ..] = length.to_le_bytes();
        length >>= VARINT_BITS;
        if length == 0 {
            out.push(low & !VARINT_MORE);
            break;
        }
        out.push(low | VARINT_MORE);
    }
    out.push(code.to_byte());
}

/// Reads frames from bytes as they arrive, in whatever pieces.
///
/// ```
/// use herald_proto::frame::{self, FrameDecoder};
/// use herald_proto::message::MessageCode;
///
/// let bytes = frame::encode(MessageCode::NewBlockHashes, &[0xc0]);
/// let mut decoder = FrameDecoder::new(1024);
/// let mut frames = Vec::new();
/// for piece in bytes.chunks(2) {
///     let mut piece = piece;
///     while let Some(frame) = decoder.feed(&mut piece)? {
///         frames.push(frame);
///     }
/// }
/// assert_eq!(frames.len(), 1);
/// assert_eq!(frames[0].code, 0x01);
/// assert_eq!(frames[0].payload, [0xc0]);
/// # Ok::<(), frame::FrameError>(())
/// ```
#[derive(Debug)]
pub struct FrameDecoder {
    limit: usize,
    state: DecoderState,
}

#[derive(Debug)]
enum DecoderState {
    /// Within the length; ends with the varint's last byte.
    Length { value: u64, bytes: usize },
    /// Before the code; ends with that byte.
    Code { payload_len: usize },
    /// Within the payload; ends when it is whole.
    Payload { code: u8, payload_len: usize, payload: Vec<u8> },
    /// A frame broke the rules; never ends, for what follows cannot be told apart.
    Broken(FrameError),
}

const START: DecoderState = DecoderState::Length { value: 0, bytes: 0 };

impl FrameDecoder {
    /// Reads frames of at most `limit` bytes, code and payload
    /// ([`Limits::frame_bytes`](crate::Limits::frame_bytes)).
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, state: START }
    }

    /// Whether a frame has begun and is not whole yet: from here on a peer owes bytes.
    #[must_use]
    pub fn in_frame(&self) -> bool {
        match self.state {
            DecoderState::Length { bytes, .. } => bytes > 0,
            DecoderState::Code { .. } | DecoderState::Payload { .. } => true,
            DecoderState::Broken(_) => false,
        }
    }

    /// The code and the payload's length of the frame that is arriving, once both are known. A host
    /// may refuse a code, or a length that is too much for that code, before the payload is here.
    #[must_use]
    pub fn announced(&self) -> Option<(u8, usize)> {
        match &self.state {
            DecoderState::Payload { code, payload_len, .. } => Some((*code, *payload_len)),
            DecoderState::Length { .. } | DecoderState::Code { .. } | DecoderState::Broken(_) => None,
        }
    }

    /// Takes bytes off the front of `input` until a frame is whole, and returns it; `None` when
    /// the input is used up before. Call it again while it returns a frame.
    ///
    /// # Errors
    /// The frame breaks the rules; then every later call returns the same error.
    pub fn feed(&mut self, input: &mut &[u8]) -> Result<Option<Frame>, FrameError> {
        loop {
            match &mut self.state {
                DecoderState::Broken(error) => return Err(*error),
                DecoderState::Payload { code, payload_len, payload } => {
                    let missing = *payload_len - payload.len();
                    let (taken, rest) = input.split_at(missing.min(input.len()));
                    payload.extend_from_slice(taken);
                    *input = rest;
                    if payload.len() < *payload_len {
                        return Ok(None);
                    }
                    let frame = Frame { code: *code, payload: core::mem::take(payload) };
                    self.state = START;
                    return Ok(Some(frame));
                }
                DecoderState::Length { .. } | DecoderState::Code { .. } => {
                    let Some((byte, rest)) = input.split_first() else {
                        return Ok(None);
                    };
                    *input = rest;
                    self.header_byte(*byte)?;
                }
            }
        }
    }

    fn header_byte(&mut self, byte: u8) -> Result<(), FrameError> {
        let next = match &self.state {
            DecoderState::Length { value, bytes } => length_byte(*value, *bytes, byte, self.limit),
            DecoderState::Code { payload_len } => Ok(DecoderState::Payload {
                code: byte,
                payload_len: *payload_len,
                payload: Vec::with_capacity(RESERVED_AHEAD.min(*payload_len)),
            }),
            DecoderState::Payload { .. } | DecoderState::Broken(_) => return Ok(()),
        };
        match next {
            Ok(state) => {
                self.state = state;
                Ok(())
            }
            Err(error) => {
                self.state = DecoderState::Broken(error);
                Err(error)
            }
        }
    }
}

/// The state after one more byte of a length of which `bytes` bytes made `value`.
fn length_byte(value: u64, bytes: usize, byte: u8, limit: usize) -> Result<DecoderState, FrameError> {
    let too_long = FrameError::TooLong { limit };
    if bytes == LENGTH_BYTES_MAX {
        return Err(too_long);
    }
    if byte == 0 && bytes > 0 {
        return Err(FrameError::NonCanonicalLength);
    }
    let shift = VARINT_BITS * u32::try_from(bytes).map_err(|_| too_long)?;
    let value = value | u64::from(byte & !VARINT_MORE) << shift;
    // Later bytes only add, so a length over the limit is refused before it is whole.
    let length = usize::try_from(value).map_err(|_| too_long)?;
    if length > limit {
        return Err(too_long);
    }
    if byte & VARINT_MORE != 0 {
        return Ok(DecoderState::Length { value, bytes: bytes + 1 });
    }
    let payload_len = length.checked_sub(1).ok_or(FrameError::Empty)?;
    Ok(DecoderState::Code { payload_len })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "tests")]

    use super::*;

    const LIMIT: usize = 10 * 1024 * 1024;

    fn feed_all(limit: usize, bytes: &[u8], piece: usize) -> Result<Vec<Frame>, FrameError> {
        let mut decoder = FrameDecoder::new(limit);
        let mut frames = Vec::new();
        for mut input in bytes.chunks(piece) {
            while let Some(frame) = decoder.feed(&mut input)? {
                frames.push(frame);
            }
            assert!(input.is_empty());
        }
        Ok(frames)
    }

    #[test]
    fn frames_come_out_whole_whatever_the_pieces() {
        let payloads = [vec![], vec![1; 126], vec![2; 127], vec![3; 20_000]];
        let mut bytes = Vec::new();
        for payload in &payloads {
            bytes.extend(encode(MessageCode::NewBlock, payload));
        }
        for piece in [1, 2, 3, 1000, bytes.len()] {
            let frames = feed_all(LIMIT, &bytes, piece).unwrap();
            assert_eq!(frames.len(), payloads.len());
            for (frame, payload) in frames.iter().zip(&payloads) {
                assert_eq!((frame.code, &frame.payload), (0x07, payload));
            }
        }
    }

    #[test]
    fn golden_bytes() {
        assert_eq!(encode(MessageCode::NewBlockHashes, &[0xc0]), [0x02, 0x01, 0xc0]);
        let long = encode(MessageCode::BlockBodies, &[0; 299]);
        assert_eq!(long[..3], [0xac, 0x02, 0x06]);
    }

    #[test]
    fn limit_is_exact_and_nothing_is_set_aside_beyond_it() {
        let at_limit = encode(MessageCode::NewBlock, &vec![0; LIMIT - 1]);
        assert_eq!(feed_all(LIMIT, &at_limit, 65_536).unwrap().len(), 1);

        let over = encode(MessageCode::NewBlock, &vec![0; LIMIT]);
        assert_eq!(feed_all(LIMIT, &over, 65_536), Err(FrameError::TooLong { limit: LIMIT }));

        // 4 GiB, and then ever more.
        for length in [&[0x80, 0x80, 0x80, 0x80, 0x10][..], &[0xff; 12][..]] {
            let mut decoder = FrameDecoder::new(LIMIT);
            let mut input = length;
            assert_eq!(decoder.feed(&mut input), Err(FrameError::TooLong { limit: LIMIT }));
            assert!(matches!(decoder.state, DecoderState::Broken(_)));
        }
    }

    #[test]
    fn an_announced_frame_costs_little_until_its_bytes_arrive() {
        let mut header = Vec::new();
        append_header(&mut header, MessageCode::NewBlock, LIMIT - 1);
        let mut decoder = FrameDecoder::new(LIMIT);
        assert_eq!(decoder.feed(&mut header.as_slice()), Ok(None));
        let DecoderState::Payload { payload, .. } = &decoder.state else { panic!("in the payload") };
        assert!(payload.capacity() <= RESERVED_AHEAD);
        assert_eq!(decoder.announced(), Some((0x07, LIMIT - 1)));
        assert!(decoder.in_frame());
    }

    #[test]
    fn broken_lengths() {
        assert_eq!(feed_all(LIMIT, &[0x00], 1), Err(FrameError::Empty));
        assert_eq!(feed_all(LIMIT, &[0x81, 0x00], 1), Err(FrameError::NonCanonicalLength));
        assert_eq!(feed_all(LIMIT, &[0x80, 0x00], 1), Err(FrameError::NonCanonicalLength));
        let mut decoder = FrameDecoder::new(LIMIT);
        assert_eq!(decoder.feed(&mut [0x00].as_slice()), Err(FrameError::Empty));
        assert_eq!(decoder.feed(&mut [0x02, 0x01, 0xc0].as_slice()), Err(FrameError::Empty));
        assert_eq!(decoder.feed(&mut [].as_slice()), Err(FrameError::Empty));
    }
}
